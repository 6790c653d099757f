"""A network behind a web form: ``python examples/web_form.py 8000``, then open http://127.0.0.1:8000 in a browser."""

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import torch
from torchvision.io import ImageReadMode, decode_image, encode_png
from torchvision.transforms.functional import resize

import momi_lib as momi

PAGE = b"""<!doctype html><title>Swap</title>Person <input type=file id=a> Pose <input type=file id=b>
<button onclick=send()>Swap</button><p><img id=out alt="the swap" height=384><script>
const read = id => new Promise(done => { const file = new FileReader(); file.onload = () => done(file.result);
  file.readAsDataURL(document.getElementById(id).files[0]) })
async function send() { const body = JSON.stringify([await read('a'), await read('b')])
  out.src = await (await fetch('/', {method: 'POST', body})).text() }</script>"""


class Form(BaseHTTPRequestHandler):
    """GET is the form; POST takes two pictures as data URLs and answers with a third."""

    def do_GET(self, content: bytes = PAGE) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        urls = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        files = [torch.frombuffer(bytearray(base64.b64decode(url.split(",")[1])), dtype=torch.uint8) for url in urls]
        pictures = torch.stack([resize(decode_image(file, ImageReadMode.RGB), [128, 64]) for file in files])
        drawn = momi.load("small").swap(*momi.data.to_float(pictures).split(1))
        png = encode_png(momi.data.to_uint8(drawn)[0]).numpy().tobytes()
        self.do_GET(b"data:image/png;base64," + base64.b64encode(png))


HTTPServer(("127.0.0.1", int([*sys.argv, "8000"][1])), Form).serve_forever()
