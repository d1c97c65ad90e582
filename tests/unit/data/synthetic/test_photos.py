import numpy as np
import pytest
import torch

from seqlab.data.synthetic import photo_geometry as geometry
from seqlab.data.synthetic.photo_paint import CLASSES, NUMBER, PALETTE
from seqlab.data.synthetic.photo_world import KINDS
from seqlab.data.synthetic.photos import take_photo

# How far out a place [.., 3] lies: up to 1 inside.
BODIES = {
    "box": (
        geometry.box(np.array([1.0, 2.0, 0.5])),
        lambda places: np.max(np.abs(places) / [1.0, 2.0, 0.5], axis=-1),
    ),
    "ball": (geometry.ball(1.5), lambda places: np.linalg.norm(places, axis=-1) / 1.5),
    "pillar": (
        geometry.pillar(1.2, 4.0),
        lambda places: np.hypot(places[..., 0], places[..., 2]) / 1.2,
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_rays_meet_a_body_where_marching_along_them_does(name: str) -> None:
    meet, reach = BODIES[name]
    chance = np.random.default_rng(0)
    origin = np.array([0.3, -0.4, -6.0])
    rays = np.stack([*chance.uniform(-0.35, 0.35, (2, 40)), np.ones(40)], axis=1)
    hits = meet(origin, rays)
    steps = np.arange(0, 12, 0.002)
    inside = reach(origin + steps[:, None, None] * rays) <= 1  # [steps, 40]
    first = np.where(inside.any(axis=0), steps[inside.argmax(axis=0)], np.inf)
    met = np.isfinite(first)
    assert 5 < met.sum() < 40
    assert np.array_equal(np.isfinite(hits.distance), met)
    assert np.abs(hits.distance[met] - first[met]).max() < 0.004


def test_a_sphere_around_a_body_leaves_out_no_ray_that_meets_it() -> None:
    chance = np.random.default_rng(1)
    rays = geometry.directions((40, 60), 50.0, 0.1).reshape(-1, 3)
    shares = []
    for _ in range(20):
        half = chance.uniform(0.2, 2.0, 3)
        centre = np.array([*chance.uniform(-4, 4, 2), chance.uniform(4, 14)])
        yaw = chance.uniform(-3, 3)
        body = geometry.Body(centre, float(np.linalg.norm(half)), yaw, geometry.box(half))
        turn = geometry.yaw_matrix(yaw)
        met = np.isfinite(body.meet(-centre @ turn, rays @ turn).distance)
        tried = geometry.may_meet(body, rays, geometry.squared_lengths(rays))
        assert not (met & ~tried).any()
        shares.append(tried.mean())
    assert np.mean(shares) < 0.5


def test_normals_have_length_one_face_the_camera_and_are_zero_in_the_sky() -> None:
    photo = take_photo(0, 4, (48, 64))
    is_sky = photo.labels == NUMBER["sky"]
    lengths = photo.normals.norm(dim=0)
    assert torch.equal(lengths[is_sky], torch.zeros(int(is_sky.sum())))
    assert torch.allclose(lengths[~is_sky], torch.ones(int((~is_sky).sum())), atol=1e-5)
    rays = torch.from_numpy(geometry.directions((48, 64), 0.9 * 64, 0.0)).permute(2, 0, 1)
    towards = (photo.normals * rays).sum(dim=0)  # negative where a surface faces the camera
    assert float((towards[~is_sky] < 1e-6).float().mean()) == 1.0


def test_the_ground_faces_up_and_lies_below_the_sky() -> None:
    photo = take_photo(0, 1, (64, 64))
    ground = (photo.labels == NUMBER["grass"]) | (photo.labels == NUMBER["road"])
    facing = photo.normals[:, ground]
    assert torch.allclose(facing, facing[:, :1].expand_as(facing), atol=1e-5)
    assert float(facing[1, 0]) < -0.98
    rows = torch.arange(64.0).unsqueeze(1).expand(64, 64)
    assert rows[ground].mean() > rows[photo.labels == NUMBER["sky"]].mean() + 15


def test_photos_are_functions_of_their_numbers_and_differ() -> None:
    first, again, other = (take_photo(3, n, (32, 32)) for n in (7, 7, 8))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.image, other.image)


def test_aberration_moves_red_and_blue_out_and_leaves_green() -> None:
    clean, lens = (take_photo(0, 4, (96, 96), aberration=a).image.float() for a in (0.0, 0.04))
    assert (clean[1] - lens[1]).abs().max() <= 1  # rounding alone
    middle = (slice(40, 56), slice(40, 56))

    def best(channel: int) -> float:
        """By which factor the clean channel has to be magnified to look like the other."""
        errors = {}
        for factor in np.linspace(0.92, 1.08, 17):
            matrix = torch.tensor([[[1 / factor, 0, 0], [0, 1 / factor, 0]]], dtype=torch.float32)
            grid = torch.nn.functional.affine_grid(matrix, [1, 1, 96, 96], align_corners=False)
            moved = torch.nn.functional.grid_sample(
                clean[channel][None, None], grid, align_corners=False
            )[0, 0]
            errors[factor] = float((moved - lens[channel])[8:-8, 8:-8].abs().mean())
        return min(errors, key=errors.__getitem__)

    assert best(0) == pytest.approx(1.04, abs=0.011)
    assert best(2) == pytest.approx(1.04, abs=0.011)
    assert (clean[0] - lens[0])[middle].abs().mean() < (clean[0] - lens[0]).abs().mean()


def test_every_kind_and_every_class_is_seen_somewhere() -> None:
    photos = [take_photo(0, number, (48, 64)) for number in range(60)]
    shown = torch.stack([photo.shows for photo in photos]).float().mean(dim=0)
    assert len(shown) == len(KINDS)
    assert (shown > 0.05).all()
    assert (shown < 0.95).all()
    seen = set(torch.cat([photo.labels.unique() for photo in photos]).tolist())
    assert seen == set(range(len(CLASSES)))
    assert len(PALETTE) == len(CLASSES)
