# SPDX-License-Identifier: BSD-3-Clause
"""Random recurrences on maps' values are the same as atomic units, behind locks and in the interpreter. The long form: recurrences.py."""
import recurrences


def test_random_recurrences_agree(work):
    units, maps = recurrences.try_seed(work, 1, maps=8)
    assert units >= 4 and maps == 8, (units, maps)
