"""Tables of pairs as people have them: from a spreadsheet, of other names, with a pair twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from momi_lib.data import People
from momi_lib.evaluate.pairs import load_pairs, save_pairs

A, B, C = (f"query/{person:04d}_c1s1_000000_00.jpg" for person in (1, 2, 3))
D = "query/0001_c2s1_000007_00.jpg"


@pytest.fixture
def people() -> People:
    """Four pictures of three people."""
    files = (A, B, C, D)
    nothing = torch.zeros(4, 3, 1, 1, dtype=torch.uint8)
    persons = torch.tensor([1, 2, 3, 1])
    return People(Path("folder"), "test", files, nothing, persons, persons, None, None, None, "0")


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


READ = {
    "as save_pairs writes it": f"from,to\n{A},{B}\n{C},{D}\n",
    "lines of Windows": f"from,to\r\n{A},{B}\r\n{C},{D}\r\n",
    "lines of an old Macintosh": f"from,to\r{A},{B}\r{C},{D}\r",
    "no end of the last line": f"from,to\n{A},{B}\n{C},{D}",
    "semicolons": f"from;to\n{A};{B}\n{C};{D}\n",
    "tabulators": f"from\tto\n{A}\t{B}\n{C}\t{D}\n",
    "a line for Excel": f"sep=;\r\nfrom;to\r\n{A};{B}\r\n{C};{D}\r\n",
    "quotes": f'"from","to"\n"{A}","{B}"\n"{C}","{D}"\n',
    "spaces": f"from, to\n{A}, {B}\n{C}, {D}\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("case", READ)
def test_what_spreadsheets_write_is_read(tmp_path, people, case, encoding):
    pairs = load_pairs(written(tmp_path, READ[case], encoding), people)
    assert pairs.files == [(A, B), (C, D)]
    assert save_pairs(tmp_path / "again.csv", pairs).read_text(encoding="utf-8") == READ["as save_pairs writes it"]


def test_the_way_back_is_another_pair(tmp_path, people):
    assert len(load_pairs(written(tmp_path, f"from,to\n{A},{B}\n{B},{A}\n{A},{C}\n"), people)) == 3


WRONG = {
    "from and to are the same": (f"from,to\n{A},{B}\n{C},{C}\n", f"line 3: .*from.*to.*same picture.*{C}"),
    "one person": (f"from,to\n{A},{D}\n", "line 2: expected pictures of two people, got two of person 1"),
    "a pair twice": (f"from,to\n{A},{B}\n{C},{B}\n{A},{B}\n", f"line 4: .*{A}.*{B}.*twice.*line 2"),
    "a pair three times": (f"from,to\n{A},{B}\n{A},{B}\n{A},{B}\n", "line 3: .*twice.*line 2"),
    "no folder in the names": (f"from,to\n{A[6:]},{B[6:]}\n", f"line 2: .*'{A[6:]}'.*'{A}'"),
    "names of Windows": (f"from,to\nquery\\{A[6:]},query\\{B[6:]}\n", rf"line 2: .*query\\.*'{A}'"),
    "names in capitals": (f"from,to\n{A.upper()},{B.upper()}\n", f"line 2: .*'{A.upper()}'.*'{A}'"),
    "names from a root": (f"from,to\n/data/{A},/data/{B}\n", f"line 2: .*'/data/{A}'.*'{A}'"),
    "names of another folder": ("from,to\nx/1.jpg,x/2.jpg\n", f"line 2: .*'x/1.jpg'.*'{A}'"),
    "numbers for names": ("from,to\n0,1\n", f"line 2: .*'0'.*'{A}'"),
    "no columns": (f"{A},{B}\n{C},{D}\n", f"line 1: expected the columns from,to, got {A}"),
    "other columns": (f"source,target\n{A},{B}\n", "line 1: expected the columns from,to, got source,target"),
    "columns in capitals": (f"From,To\n{A},{B}\n", "line 1: expected the columns from,to, got From,To"),
    "an index before them": (f",from,to\n0,{A},{B}\n", "line 1: expected the columns from,to, got ,from,to"),
    "one entry": (f"from;to\n{A},{B}\n", "line 2: expected two entries, from,to, got 1"),
    "an entry too many": (f"from,to\n{A},{B},{C}\n", "line 2: expected two entries, from,to, got 3"),
    "an empty entry": (f"from,to\n{A},\n", "line 2: expected under 'to'"),
    "a line after a quoted line break": (f'from,to\n"{A}",{B}\n"x\ny",{B}\n', "line [34]: expected under 'from'"),
    "a quote that stays open": (f'from,to\n"{A},{B}\n{C},{D}\n', "comma-separated values"),
    "nothing": ("", "line 1: expected the columns from,to, got nothing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_with_its_line(tmp_path, people, case):
    text, message = WRONG[case]
    with pytest.raises(ValueError, match=f"(?s)pairs.csv.*({message})"):
        load_pairs(written(tmp_path, text), people)


OTHER = {
    "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS"),
    "a workbook": (b"PK\x03\x04" + bytes(60), "ZIP|Excel"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60), "Excel"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(60), "gzip"),
    "a web page": (b"<!DOCTYPE html><html></html>", "web page"),
    "another code page": (f"from,to\n{A},caf\xe9.jpg\n".encode("cp1252"), "UTF-8"),
    "zeros": (bytes(200), "zeros"),
}


@pytest.mark.parametrize("case", OTHER)
def test_what_is_no_table_is_named(tmp_path, people, case):
    raw, message = OTHER[case]
    (tmp_path / "pairs.csv").write_bytes(raw)
    with pytest.raises(ValueError, match=f"(?s)pairs.csv.*({message})"):
        load_pairs(tmp_path / "pairs.csv", people)


def test_a_folder_is_named_as_one(tmp_path, people):
    with pytest.raises(FileNotFoundError, match="is a folder"):
        load_pairs(tmp_path, people)
