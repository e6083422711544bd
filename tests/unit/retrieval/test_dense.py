from __future__ import annotations

import numpy as np
import pytest

from antiphon.retrieval.dense import Cosines, pack


def test_packed_vectors_have_unit_length() -> None:
    values = np.frombuffer(pack(np.array([3, 4], np.float32)), "<f2")
    assert values.tolist() == [pytest.approx(0.6, abs=1e-3), pytest.approx(0.8, abs=1e-3)]
    assert np.frombuffer(pack(np.zeros(2, np.float32)), "<f2").tolist() == [0, 0]


def test_best_and_of() -> None:
    found = Cosines(np.array([3, 5, 9]), np.array([0.1, 0.9, 0.5], np.float32))
    assert found.best(2) == [5, 9]
    assert found.best(10) == [5, 9, 3]
    assert found.of(9) == 0.5
    assert found.of(4) is None
    assert found.of(10) is None
