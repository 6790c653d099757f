#!/usr/bin/env bash
# All checks that need a GPU, in one command of nine minutes: step times of `paper` (VGG-19), `base`, `small` and `lookup`
# in fp32 and bf16, compiled and not, a hundred steps of each rival's `paper`, the tests marked gpu, Table I on few pairs,
# one variant of the study, and a training of `base`.
#   OUT=runs/gpu bash benchmarks/on_gpu.sh
#   DRY=1 OUT=/tmp/dry bash benchmarks/on_gpu.sh     # the same commands with tiny presets, which also run on a CPU
# It stops at the first error and says which part failed; the results of the parts before are in OUT.
# SECONDS_IN_ALL: how long it may take (540); STEP_MINUTES: the share of the step times (2.5). `base` is trained for the
# remaining time, in short stages, because its full stages would take hours. Its run is in RUN (runs/on-gpu), and the
# results to keep are in OUT: steps.json, rival-steps.json, tests.log, table-one.json, study.json, base.json, base.log.jsonl, base.grid.png,
# base.progress.jpg, and parts.log with the seconds of each part. Needs torch, torchvision and the packages of
# pyproject.toml; nothing is downloaded, so `paper` is timed with a random VGG-19.
set -euo pipefail
OUT=${OUT:-runs/gpu}
DRY=${DRY:-}
RUN=${RUN:-runs/on-gpu${DRY:+-dry}}
PYTHON=${PYTHON:-python3}
SECONDS_IN_ALL=${SECONDS_IN_ALL:-540}
FINISH=45 # seconds that a training needs to load, to update the statistics of its batch norms and to write
mkdir -p "$OUT" "$RUN"
export PYTHONPATH=.${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 TQDM_MININTERVAL=5

if [ -n "$DRY" ]; then
	presets=(tiny tiny-carry)
	steps=(--perceptual random --steps 2 --warm-up 1)
	base=(tiny-carry --device cpu)
	study=(--preset tiny --steps 2 --pairs 20)
	pairs=(--pairs 40 --pose-pairs 20)
	rivals=(--preset small --perceptual random-vgg19 --steps 1 --warm-up 0)
else
	presets=(paper base small lookup)
	steps=(--perceptual random-vgg19 --steps 15 --warm-up 5)
	base=(base --no-compile --distil-steps 500 --body-steps 800 --steps 3000 --log.grid-every 100
		--log.checkpoint-every 1000000)
	study=(--preset lookup --steps 60 --pairs 200)
	pairs=(--pairs 500 --pose-pairs 200)
	rivals=(--preset paper --perceptual random-vgg19 --steps 100 --warm-up 5)
fi

# part NAME LIMIT COMMAND…: run it for at most LIMIT seconds or the rest of the time, and say how long it took. The whole
# script stops if it fails; the step times may run out of time, because their file is complete after each measurement,
# and that of the rivals names each that failed.
part() {
	local name=$1 limit=$2 begun=$SECONDS rc=0 left=$((SECONDS_IN_ALL - SECONDS))
	shift 2
	[ "$limit" -le "$left" ] || limit=$left
	[ "$limit" -ge 10 ] || limit=10
	timeout "$limit" "$@" >"$OUT/$name.log" 2>&1 || rc=$?
	if [ "$rc" = 124 ] && [ "$name" = steps ] && [ -s "$OUT/steps.json" ]; then
		echo "steps: stopped after $limit s; the measurements so far are in steps.json" | tee -a "$OUT/parts.log"
	elif [ "$rc" != 0 ] && [ "$name" = rivals ] && [ -s "$OUT/rival-steps.json" ]; then
		echo "rivals: not all were measured (exit status $rc); see rival-steps.json" | tee -a "$OUT/parts.log"
	elif [ "$rc" != 0 ]; then
		tail -n 30 "$OUT/$name.log" >&2
		echo "on_gpu.sh: $name failed (exit status $rc; 124 means more than $limit seconds); see $OUT/$name.log" >&2
		exit 1
	else
		echo "$name $((SECONDS - begun)) s" | tee -a "$OUT/parts.log"
	fi
}

: >"$OUT/parts.log"
part steps 200 "$PYTHON" benchmarks/steps.py --presets "${presets[@]}" "${steps[@]}" \
	--minutes "${STEP_MINUTES:-2.5}" --out "$OUT/steps.json"

part rivals 110 "$PYTHON" benchmarks/rival_steps.py "${rivals[@]}" --at 0.5 --minutes 1.5 --out "$OUT/rival-steps.json"

# Only the files that have such tests: the others need packages that the machine may lack.
mapfile -t marked < <(grep -rl 'mark\.gpu' tests --include='*.py')
part tests 90 "$PYTHON" -m pytest -q -m gpu "${marked[@]}"

part evaluate 100 "$PYTHON" -m momi_lib evaluate --weights small "${pairs[@]}" --out "$RUN/evaluate"
cp "$RUN/evaluate/table.json" "$OUT/table-one.json"

part study 120 "$PYTHON" -m momi_lib study ablations --only full --seeds 1 "${study[@]}" \
	--out "$RUN/study" --results "$OUT/study.json"

left=$((SECONDS_IN_ALL - FINISH - SECONDS))
[ "$left" -ge 20 ] || left=20
minutes=$(awk "BEGIN { print $left / 60 }")
part base $((left + FINISH)) "$PYTHON" -m momi_lib train "${base[@]}" --out "$RUN/base" --resume --minutes "$minutes"
cp "$RUN/base/log.jsonl" "$OUT/base.log.jsonl"
cp "$RUN/base/weights.json" "$OUT/base.json"
for picture in "$RUN/base/progress.jpg" "$RUN"/base/grids/*.png; do # the last grid stays
	case $picture in
	*progress.jpg) if [ -f "$picture" ]; then cp "$picture" "$OUT/base.progress.jpg"; fi ;;
	*) if [ -f "$picture" ]; then cp "$picture" "$OUT/base.grid.png"; fi ;;
	esac
done
cat "$OUT/parts.log"
