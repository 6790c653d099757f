#!/usr/bin/env bash
# Everything that wants a GPU, in one go: tests, step times, notebook 07 and weights.
#   MINUTES=20 OUT=runs/gpu bash benchmarks/on_gpu.sh
# Needs torch, torchvision and the packages of pyproject.toml (nbclient and ipykernel for the notebook); nothing is downloaded.
set -u
OUT=${OUT:-runs/gpu}
MINUTES=${MINUTES:-20}
mkdir -p "$OUT"
export PYTHONPATH=. PYTHONUNBUFFERED=1

python -m pytest -q -m gpu tests 2>&1 | tee "$OUT/tests.log"
python benchmarks/steps.py --presets paper base small --perceptual random-vgg19 --out "$OUT/steps-gpu.json" 2>&1 |
	tee "$OUT/steps.log"
python benchmarks/reprojection.py
# A copy: the committed outputs are those of quick mode on a CPU.
cp notebooks/07_training_the_whole.ipynb notebooks/on_gpu_07.ipynb
MOMI_MODE=full jupyter execute --inplace notebooks/on_gpu_07.ipynb 2>&1 | tee "$OUT/notebook-07.log"
mv notebooks/on_gpu_07.ipynb "$OUT/notebook-07.ipynb"
python -m momi_lib train base --out "$OUT/base" --resume --minutes "$MINUTES" 2>&1 | tee "$OUT/base.log" | tail -n 3
cp "$OUT/base/weights.safetensors" "$OUT/momi-base.safetensors"
