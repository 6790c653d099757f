#!/usr/bin/env bash
# Everything that wants a GPU, in one go: tests, step times, swap times, notebook 07, weights and the ablations.
#   OUT=runs/gpu bash benchmarks/on_gpu.sh
#   DRY=1 OUT=/tmp/dry bash benchmarks/on_gpu.sh     # the same commands with the preset tiny, on a CPU too
# Minutes of each training: MINUTES (base), PAPER_MINUTES, SMALL_MINUTES; STUDY=0 leaves the ablations out. A second call
# goes on where the first stopped.
# Needs torch, torchvision and the packages of pyproject.toml (nbclient and ipykernel for the notebook); nothing is
# downloaded, so `paper` takes the features that come with the project instead of VGG-19's.
set -u
OUT=${OUT:-runs/gpu}
DRY=${DRY:-}
MINUTES=${MINUTES:-${DRY:+0.2}}
PAPER_MINUTES=${PAPER_MINUTES:-${DRY:+0.2}}
SMALL_MINUTES=${SMALL_MINUTES:-${DRY:+0.2}}
mkdir -p "$OUT"
export PYTHONPATH=. PYTHONUNBUFFERED=1

python -m pytest -q -m gpu tests 2>&1 | tee "$OUT/tests.log"
if [ -n "$DRY" ]; then
	python benchmarks/steps.py --presets tiny --perceptual random --steps 2 --warm-up 1 --out "$OUT/steps.json"
	base=tiny paper=tiny small=tiny
else
	python benchmarks/steps.py --presets paper base small --perceptual random-vgg19 --out "$OUT/steps-gpu.json" 2>&1 |
		tee "$OUT/steps.log"
	python benchmarks/reprojection.py
	python benchmarks/swap_speed.py --device cuda --out "$OUT/swap-cuda.json"
	# A copy: the committed outputs are those of quick mode on a CPU.
	cp notebooks/07_training_the_whole.ipynb notebooks/on_gpu_07.ipynb
	MOMI_MODE=full jupyter execute --inplace notebooks/on_gpu_07.ipynb 2>&1 | tee "$OUT/notebook-07.log"
	mv notebooks/on_gpu_07.ipynb "$OUT/notebook-07.ipynb"
	base=base paper=paper small=small
fi

learn() { # learn NAME PRESET MINUTES OPTION...: train, then score what came out
	local name=$1 preset=$2 minutes=$3
	shift 3
	python -m momi_lib train "$preset" --out "$OUT/$name" --resume --minutes "$minutes" "$@" 2>&1 |
		tee "$OUT/$name.log" | tail -n 3
	cp "$OUT/$name/weights.safetensors" "$OUT/momi-$name.safetensors"
	cp "$OUT/$name/weights.json" "$OUT/momi-$name.json"
	cp "$OUT/$name/log.jsonl" "$OUT/momi-$name.log.jsonl"
	python -m momi_lib truth --weights "$OUT/momi-$name.safetensors" --out "$OUT/truth-$name.json" ${DRY:+--limit 8}
}
learn base $base "${MINUTES:-12}"
if [ -n "$DRY" ]; then learn paper $paper "$PAPER_MINUTES"; else
	learn paper $paper "${PAPER_MINUTES:-5}" --perceptual mannequin
fi
learn small $small "${SMALL_MINUTES:-5}"
if [ "${STUDY:-1}" != 0 ]; then
	python -m momi_lib study ablations --preset $small ${DRY:+--steps 1 --seeds 1 --pairs 24} \
		--start "$OUT/momi-small.safetensors" --out "$OUT/study" --results "$OUT/ablations.json" 2>&1 |
		tee "$OUT/study.log" | tail -n 5
fi
