"""Normals of depth where geometry says what they are: planes, a sphere, an edge, and holes."""

import numpy as np
from numpy.typing import NDArray

from seqlab.data.depth_normals import Camera, normals_of_depth

SIZE = (60, 80)
CAMERA = Camera(fx=70.0, fy=65.0, cx=37.0, cy=31.5)
ALL = np.ones(SIZE, np.bool_)
_ROWS, _COLUMNS = np.indices(SIZE)
RAYS = np.stack(
    [(_COLUMNS - CAMERA.cx) / CAMERA.fx, (_ROWS - CAMERA.cy) / CAMERA.fy, np.ones(SIZE)]
)


def plane(normal: tuple[float, float, float], distance: float) -> tuple[NDArray, NDArray]:
    """Depth [height, width] of a plane n . p = -distance, and n, of length 1."""
    n = np.array(normal) / np.linalg.norm(normal)
    return (-distance / np.tensordot(n, RAYS, 1)).astype(np.float32), n


def degrees(found: NDArray, true: NDArray) -> NDArray:
    """Angles [pixels] between directions [3, pixels]."""
    return np.degrees(2 * np.arctan2(*(np.linalg.norm(found - s * true, axis=0) for s in (1, -1))))


def test_a_plane_has_one_normal_everywhere() -> None:
    for normal in ((0, 0, -1), (0.3, -0.5, -0.7), (-0.6, 0.2, -1), (0.2, -0.6, -0.9)):
        depth, n = plane(normal, 2.0)
        found = normals_of_depth(depth, depth > 0, CAMERA, radius=3)
        inner = found[:, 3:-3, 3:-3].reshape(3, -1)
        assert inner.any(axis=0).all()
        assert degrees(inner, n[:, None]).max() < 0.05


def test_a_sphere_faces_away_from_its_centre() -> None:
    centre, radius = np.array([0.1, -0.05, 2.0]), 0.7
    along, squares = np.tensordot(centre, RAYS, 1), (RAYS**2).sum(axis=0)
    left = along**2 - squares * (centre @ centre - radius**2)
    hit = left > 0
    depth = np.where(hit, (along - np.sqrt(np.where(hit, left, 0))) / squares, 0)
    true = (depth * RAYS - centre[:, None, None]) / radius
    found = normals_of_depth(depth.astype(np.float32), hit, CAMERA, radius=1)
    assert not found[:, ~hit].any()
    # Away from the rim, where a plane in inverse depth stands for the curved surface.
    inner = left > 0.3 * left.max()
    assert inner.sum() > 500
    assert degrees(found[:, inner], true[:, inner]).max() < 1.0


def test_an_edge_mixes_nothing() -> None:
    """A wall in front of another that is turned: no pixel of either sees the other."""
    near, n = plane((0, 0, -1), 1.0)
    far, m = plane((0.5, 0, -1), 3.0)
    is_near = _COLUMNS < 40
    found = normals_of_depth(np.where(is_near, near, far), ALL, CAMERA, radius=2)
    is_found = found.any(axis=0)
    for side, true in ((is_near, n), (~is_near, m)):
        assert degrees(found[:, is_found & side], true[:, None]).max() < 0.05
    assert is_found[2:-2, :70].all()


def test_what_lies_around_a_hole_is_not_spoilt() -> None:
    depth, n = plane((0.3, -0.5, -0.7), 2.0)
    known = ALL.copy()
    known[20:30, 20:30] = False
    known[45:, :] = False
    known[50, 40] = True  # alone: on no plane
    depth[~known] = 99.0
    found = normals_of_depth(depth, known, CAMERA, radius=2)
    is_found = found.any(axis=0)
    assert not is_found[~known].any()
    assert not is_found[50, 40]
    assert is_found[19, 25]
    assert degrees(found[:, is_found], n[:, None]).max() < 0.05
