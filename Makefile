# make lab    create .venv if needed and open JupyterLab on notebooks/
# make app    create .venv if needed and open the explorer of notebook 08 as a page of its own
# make test   all checks: style, types, unit tests, examples in docstrings, notebook hygiene, every notebook strictly
# make thorough  make test and the second cases of a kind, for which make test has one; before a release
# make quick  under two minutes: style, types, fast unit tests, one notebook
# make docs   the library's interface as web pages in runs/site, from its docstrings
# make slides the lessons' slides in runs/slides, as web pages and PDF
#
# Needs Python 3.11 to 3.13 with its venv module, and make. Nothing is installed outside .venv.
# A different Python: make lab PYTHON=/path/to/python3.12.  Options for JupyterLab: make lab LAB_OPTIONS=--no-browser
# Full runs instead of quick ones: make lab MOMI_MODE=full.
# Without CUDA's libraries, 4 GB less on Linux: make lab LIGHT=1, in the first installation (later ones keep that PyTorch).

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
JOBS ?= 2
EXTRAS := app,judges,slides,test,mannequins
LAB_OPTIONS ?=
APP_OPTIONS ?=
LIGHT ?=
CPU_WHEELS ?= https://download.pytorch.org/whl/cpu
QUIET := $(if $(CI),--quiet)

# One thread per worker; otherwise two workers would compete for two cores.
SETTINGS := MOMI_MODE=quick OMP_NUM_THREADS=1 TQDM_DISABLE=1
# Screenshots of the browser tests; CI keeps this folder.
export MOMI_SCREENSHOTS ?= $(CURDIR)/runs/screenshots
PYTEST := $(BIN)/python -m pytest -n $(JOBS)
CHOSEN := -m "not thorough"

ifndef TOGETHER
.NOTPARALLEL: # each step already uses all cores
endif
.PHONY: help lab app test thorough quick docs slides check types test-code test-notebooks

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

# No question about news in front of the first notebook: news_url=None turns off the news alone, app/lab the question.
lab: $(VENV)/.for-lab
	@$(if $(MOMI_MODE),,echo "Quick mode: each cell takes seconds. For the full runs: make lab MOMI_MODE=full")
	JUPYTER_CONFIG_PATH="$$PWD/app/lab$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
		MOMI_MODE=$(or $(MOMI_MODE),quick) $(BIN)/jupyter lab --LabApp.news_url=None \
		--LabApp.default_url=/lab/tree/notebooks/00_check_your_setup.ipynb $(LAB_OPTIONS)

app: $(VENV)/.for-app
	JUPYTER_PATH="$$PWD/app$${JUPYTER_PATH:+:$$JUPYTER_PATH}" \
	JUPYTER_CONFIG_PATH="$$PWD/app$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
		$(BIN)/voila app/explorer.ipynb $(APP_OPTIONS)

# Checking the types and setting up the renderer leave a core idle for most of the time, so they run side by side.
test thorough: $(VENV)/.for-test
	$(MAKE) -j2 TOGETHER=1 check $(VENV)/.set-up
	$(MAKE) test-code $(if $(filter thorough,$@),CHOSEN=)
	$(MAKE) test-notebooks

# The parts whose tests take seconds; tests that train, render, draw figures or open a browser are left to make test.
quick: check
	$(SETTINGS) $(PYTEST) -m "not slow and not browser" --no-header -q tests/data tests/pose tests/translate \
		tests/metrics tests/study tests/test_architecture.py tests/test_losses.py tests/test_patches.py
	$(SETTINGS) CUDA_VISIBLE_DEVICES= $(BIN)/python -m pytest --nbval --nbval-current-env \
		notebooks/00_check_your_setup.ipynb

docs: $(VENV)/.for-test
	$(call install,-e ".[docs]")
	$(BIN)/pdoc --docformat google -o runs/site momi_lib '!momi_lib.lessons.exercises'

slides: $(VENV)/.for-test
	$(call install,-e ".[slides]")
	$(BIN)/python -m tools.slides

check: $(VENV)/.for-test types
	$(BIN)/ruff check .

types: $(VENV)/.for-test
	$(BIN)/basedpyright

# The renderer's tests need its body model and its streets. Without OpenGL they are skipped and say so, unless
# MOMI_NO_SKIPS names the renderer (see .ci/run). No stamp is written then, so that they run once OpenGL is installed.
$(VENV)/.set-up: $(VENV)/.for-test
	@if $(BIN)/python -m tools.mannequins setup --workers $(JOBS); then touch $@; \
		else echo "Without OpenGL (see tools/mannequins/README.md) the tests that render cannot run."; fi

test-code: $(VENV)/.for-test $(VENV)/.set-up
	$(SETTINGS) $(PYTEST) $(CHOSEN) momi_lib tests tools/mannequins

# The same settings as in tools/notebooks/run.py, which made the stored outputs. loadscope keeps a notebook in one
# kernel. Outputs on a GPU may differ in the last digits, so the comparison is made without one.
test-notebooks: $(VENV)/.for-test
	@mkdir -p runs
	$(SETTINGS) CUDA_VISIBLE_DEVICES= $(PYTEST) --dist loadscope --nbval --nbval-current-env \
		-p tools.notebooks.measure --measure-notebooks runs/notebooks-used.json notebooks
	$(BIN)/python tools/notebooks/budgets.py compare runs/notebooks-used.json

# Stamps: packages are installed again only if their list has changed.
$(VENV)/.for-lab: pyproject.toml constraints.txt
	@$(choose-python); test -x $(BIN)/python || "$$python" -m venv $(VENV)
	$(call install,-e .)
	@touch $@

$(VENV)/.for-app: pyproject.toml constraints.txt
	@$(choose-python); test -x $(BIN)/python || "$$python" -m venv $(VENV)
	$(call install,-e ".[app]")
	@touch $@ $(VENV)/.for-lab

$(VENV)/.for-test: pyproject.toml constraints.txt
	@$(choose-python); test -x $(BIN)/python || "$$python" -m venv $(VENV)
	$(call install,-e ".[$(EXTRAS)]")
	@touch $@ $(VENV)/.for-lab $(VENV)/.for-app

# uv is faster if it is installed and works; pip does the same.
define install
@echo "Installing into $(VENV) (PyTorch is about $(if $(LIGHT),1 GB,3 GB on Linux), so the first time takes minutes) ..."
$(if $(LIGHT),@$(BIN)/python -m pip install $(QUIET) -c constraints.txt --index-url $(CPU_WHEELS) torch torchvision)
@if uv --version >/dev/null 2>&1 && uv pip install $(QUIET) --python $(BIN)/python -c constraints.txt $(1); \
	then :; else $(BIN)/python -m pip install $(QUIET) -c constraints.txt $(1); fi
endef

# Sets $$python to the first suitable Python, or stops with advice.
define choose-python
fits='import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'; python=; \
for name in $(if $(PYTHON),"$(PYTHON)",$(wildcard $(BIN)/python) python3 python3.13 python3.12 python3.11 python); do \
	if "$$name" -c "$$fits" >/dev/null 2>&1; then python="$$name"; break; fi; \
done; \
if [ -z "$$python" ]; then \
	echo "make: no Python 3.11, 3.12 or 3.13 with the venv module found$(if $(PYTHON), as $(PYTHON))." >&2; \
	echo "      Install one (on Debian and Ubuntu also python3-venv), or name it: make PYTHON=/path/to/python3.12" >&2; \
	exit 1; \
fi
endef
