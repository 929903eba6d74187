import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.detector.propagation import LIGHT, Cylinder, propagate
from tests.simulated_particles import one_particle

VOLUME = Cylinder(radius=1.2, half_length=3.25, field=3.0)


@given(
    px=st.floats(-50, 50), py=st.floats(1, 50), pz=st.floats(-100, 100),
)  # fmt: skip
def test_neutral_particle_from_the_origin_keeps_its_direction(
    px: float, py: float, pz: float
) -> None:
    particle = one_particle(pid=22, charge=0, px=px, py=py, pz=pz, mass=0.0)
    flown = propagate(particle, VOLUME)
    assert flown.eta == pytest.approx(particle.eta)
    assert flown.phi == pytest.approx(particle.phi)


@given(pt=st.floats(0.6, 100), phi=st.floats(-3, 3), charge=st.sampled_from([-1, 1]))
def test_central_track_turns_by_the_chord_of_its_circle(pt: float, phi: float, charge: int) -> None:
    """A circle of radius r through the origin meets one of radius R at sin Δφ = R / 2r."""
    particle = one_particle(charge=charge, px=pt * np.cos(phi), py=pt * np.sin(phi))
    flown = propagate(particle, VOLUME)
    r = pt / (LIGHT * VOLUME.field)
    turned = (flown.phi[0] - phi + np.pi) % (2 * np.pi) - np.pi
    assert turned == pytest.approx(-charge * np.arcsin(VOLUME.radius / (2 * r)), abs=1e-9)
    assert flown.direction_phi[0] == pytest.approx(phi)


def test_looping_track_leaves_through_the_endcap() -> None:
    flown = propagate(one_particle(px=0.3, pz=1.0), VOLUME)
    assert np.sinh(flown.eta[0]) > VOLUME.half_length / VOLUME.radius


def test_without_field_charge_does_not_matter() -> None:
    straight = Cylinder(1.2, 3.25, 0.0)
    displaced = {"x": 100.0, "y": -50.0, "z": 300.0, "py": 4.0, "pz": -7.0}
    charged = propagate(one_particle(charge=1, **displaced), straight)
    neutral = propagate(one_particle(charge=0, **displaced), straight)
    assert charged.eta == pytest.approx(neutral.eta)
    assert charged.phi == pytest.approx(neutral.phi)


@given(angle=st.floats(-3, 3), charge=st.sampled_from([-1, 0, 1]))
def test_rotating_an_event_rotates_where_it_hits(angle: float, charge: int) -> None:
    def turned(a: float) -> dict[str, float]:
        c, s = np.cos(a), np.sin(a)
        px, py, x, y = 2.0, 1.0, 40.0, 10.0
        return {
            "px": c * px - s * py,
            "py": s * px + c * py,
            "x": c * x - s * y,
            "y": s * x + c * y,
        }

    before = propagate(one_particle(charge=charge, pz=1.0, **turned(0.0)), VOLUME)
    after = propagate(one_particle(charge=charge, pz=1.0, **turned(angle)), VOLUME)
    assert after.eta == pytest.approx(before.eta)
    for name in ("phi", "direction_phi"):
        shift = getattr(after, name) - getattr(before, name) - angle
        assert np.mod(shift + np.pi, 2 * np.pi) - np.pi == pytest.approx([0.0], abs=1e-9)


@pytest.mark.parametrize("where", [{"x": 1300.0}, {"z": -3300.0}])
def test_particle_born_outside_is_left_out(where: dict[str, float]) -> None:
    assert len(propagate(one_particle(**where), VOLUME).source) == 0
