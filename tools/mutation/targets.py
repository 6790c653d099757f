"""What is mutated, how, and which tests must notice."""

from __future__ import annotations

TRANSLATE, METRICS, TRAIN = "momi_lib/translate", "momi_lib/metrics", "tests/train"
PARTS = "tests/translate/test_parts.py"
NETWORK, CARRYING = "tests/translate/test_network.py", "tests/translate/test_carrying.py"
DOORS = "tests/translate/test_network_doors.py"
FOLDED, LOOKUP, CARRY = (f"tests/translate/test_{name}.py" for name in ("folded", "lookup", "carry"))
SCORES, REID = "tests/metrics/test_features.py", "tests/metrics/test_reid.py"
TABLE = "tests/evaluate/test_table_one.py"
OPTIONS, LOOP = f"{TRAIN}/test_options.py", f"{TRAIN}/test_loop.py"

#: File → the tests that must notice its defects, in addition to the examples in its docstrings. The lines that a test
#: executes decide whether it runs for a mutant; an unneeded file of tests only costs a little time.
TARGETS: dict[str, tuple[str, ...]] = {
    "momi_lib/data/triplets.py": ("tests/data/test_triplets.py",),
    "momi_lib/losses.py": ("tests/test_losses.py", OPTIONS),
    "momi_lib/patches.py": ("tests/test_patches.py", LOOP),
    "momi_lib/train/objective.py": (OPTIONS, LOOP, f"{TRAIN}/test_carry.py"),
    f"{TRANSLATE}/attention.py": (PARTS, NETWORK),
    f"{TRANSLATE}/background.py": (CARRY, CARRYING),
    f"{TRANSLATE}/blocks.py": (PARTS, FOLDED),
    f"{TRANSLATE}/carry.py": (CARRY, CARRYING),
    f"{TRANSLATE}/carrying.py": (CARRYING, FOLDED),
    f"{TRANSLATE}/discriminator.py": (PARTS, LOOP),
    f"{TRANSLATE}/encoders.py": (PARTS, NETWORK, OPTIONS),
    f"{TRANSLATE}/folded.py": (FOLDED,),
    f"{TRANSLATE}/from_files.py": (
        "tests/translate/test_from_files.py", "tests/test_commands.py", "tests/outside/test_photographs.py",
    ),
    f"{TRANSLATE}/generator.py": (PARTS, NETWORK, OPTIONS),
    f"{TRANSLATE}/lookup.py": (LOOKUP, OPTIONS),
    f"{TRANSLATE}/network.py": (NETWORK, DOORS, LOOKUP, OPTIONS),
    f"{TRANSLATE}/painter.py": (CARRYING, FOLDED),
    f"{TRANSLATE}/shape.py": (NETWORK, CARRYING, LOOKUP),
    f"{TRANSLATE}/swaps.py": ("tests/evaluate/test_answers.py",),
    f"{TRANSLATE}/verdict.py": ("tests/translate/test_verdict.py", "tests/outside/test_photographs.py"),
    f"{TRANSLATE}/weights.py": (NETWORK, LOOKUP, CARRYING, "tests/rivals/test_weights.py"),
    f"{METRICS}/affinity.py": ("tests/metrics/test_affinity.py",),
    f"{METRICS}/aps.py": ("tests/metrics/test_affinity.py",),
    f"{METRICS}/copying.py": ("tests/metrics/test_copying.py", "tests/study/test_rivals.py"),
    f"{METRICS}/distances.py": ("tests/metrics/test_distances.py", SCORES),
    f"{METRICS}/features.py": (SCORES, "tests/metrics/test_judges.py", TABLE),
    f"{METRICS}/fid.py": (SCORES,),
    f"{METRICS}/identities.py": (TABLE,),
    f"{METRICS}/inception_score.py": ("tests/metrics/test_inception_score.py",),
    f"{METRICS}/judges.py": ("tests/metrics/test_judges.py",),
    f"{METRICS}/kid.py": (SCORES,),
    f"{METRICS}/masks.py": ("tests/metrics/test_masks.py",),
    f"{METRICS}/outside_judges.py": ("tests/metrics/test_outside_judges.py",),
    f"{METRICS}/perceptual.py": (REID,),
    f"{METRICS}/pose.py": ("tests/metrics/test_pose.py", REID, TABLE),
    f"{METRICS}/reid.py": (REID,),
    f"{METRICS}/st_lpips.py": ("tests/metrics/test_outside_judges.py",),
    f"{METRICS}/true_swaps.py": ("tests/metrics/test_true_swaps.py",),
    f"{METRICS}/uncertainty.py": ("tests/metrics/test_uncertainty.py",),
}

#: Tests that measure time: on a busy machine they fail without a defect, which would then count as noticed.
LEFT_OUT = ("tests/data/test_triplets.py::test_at_least_10_000_triplets_a_second",)

#: Operators of cosmic-ray. Of the eleven replacements of each arithmetic operator, only the one that a programmer is
#: most likely to write by mistake; of comparisons, the one that differs at the boundary and the opposite. Defects made
#: by the others are easier to notice.
OPERATORS = (
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_Mod_FloorDiv",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_Lt_GtE",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_LtE_Gt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_Gt_LtE",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_GtE_Lt",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceUnaryOperator_Delete_Invert",
    "ReplaceUnaryOperator_Delete_Not",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "NumberReplacer",
    "RemoveDecorator",
    "ZeroIterationForLoop",
)
