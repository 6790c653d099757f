#!/usr/bin/env bash
# What wants a GPU, in one command of nine minutes: step times, the tests marked gpu, and a training of `base`.
#   OUT=runs/gpu bash benchmarks/on_gpu.sh
#   DRY=1 OUT=/tmp/dry bash benchmarks/on_gpu.sh     # the same commands with tiny presets, on a CPU too
# SECONDS_IN_ALL: how long it may take (540); STEP_MINUTES: of those, for the step times (3). `base` trains for as long
# as is left, in short stages, because its own would take hours; its run lies in RUN (runs/on-gpu), and what is worth
# keeping of it in OUT, all in all eight files: tests.log, steps.json, steps.log, base.log, base.log.jsonl, base.json,
# base.grid.png, base.progress.jpg. Needs torch, torchvision and the packages of pyproject.toml; nothing is downloaded,
# so `paper` is timed with a random VGG-19.
set -u
OUT=${OUT:-runs/gpu}
RUN=${RUN:-runs/on-gpu}
DRY=${DRY:-}
PYTHON=${PYTHON:-python3}
SECONDS_IN_ALL=${SECONDS_IN_ALL:-540}
FINISH=45 # seconds that a training needs to load, to calibrate its batch norms and to write
mkdir -p "$OUT" "$RUN"
export PYTHONPATH=.${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 TQDM_MININTERVAL=5

if [ -n "$DRY" ]; then
	presets="tiny tiny-carry"
	steps="--perceptual random --steps 2 --warm-up 1"
	base="tiny-carry --device cpu"
else
	presets="paper base small lookup"
	steps="--perceptual random-vgg19 --steps 15 --warm-up 5"
	base="base --no-compile --distil-steps 500 --body-steps 800 --steps 3000 --grid-every 100 --checkpoint-every 1000000"
fi

# shellcheck disable=SC2086 # words of their own
timeout 300 "$PYTHON" benchmarks/steps.py --presets $presets $steps --minutes "${STEP_MINUTES:-3}" \
	--out "$OUT/steps.json" 2>&1 | tee "$OUT/steps.log"

# Only the files that have such tests: the others need packages that the machine may lack.
# shellcheck disable=SC2046
timeout 120 "$PYTHON" -m pytest -q -m gpu $(grep -rl 'mark\.gpu' tests --include='*.py') 2>&1 | tee "$OUT/tests.log"

left=$((SECONDS_IN_ALL - FINISH - SECONDS))
[ "$left" -ge 20 ] || left=20
minutes=$(awk "BEGIN { print $left / 60 }")
# shellcheck disable=SC2086
"$PYTHON" -m momi_lib train $base --out "$RUN/base" --resume --minutes "$minutes" >"$OUT/base.log" 2>&1
tail -c 600 "$OUT/base.log"
cp "$RUN/base/log.jsonl" "$OUT/base.log.jsonl"
cp "$RUN/base/weights.json" "$OUT/base.json"
cp "$RUN/base/progress.jpg" "$OUT/base.progress.jpg"
last=$(find "$RUN/base/grids" -name '*.png' 2>/dev/null | sort | tail -n 1)
[ -z "$last" ] || cp "$last" "$OUT/base.grid.png"
