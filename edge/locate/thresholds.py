"""Every number that decides something in `edge.locate`, by the step that it belongs to.

Where a number names no other origin it was chosen on drawn and real end faces; it is not derived. Those that a user
may know better are in `edge.locate.settings`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False, repr=False)
class VoteThresholds:
    """Which pixels vote for a centre, and which sums of votes are one (`circle_votes.centres`).

    Attributes:
        coarse_px: shorter side of the picture that is searched, at most; it is at least half of that.
        min_second_px: shorter side from which on its half is searched, too.
        max_votes: what fits in arrays that malloc reuses; beyond it page faults cost more than the arithmetic.
        n_steps: steps between votes across the shorter side, so that there are about as many whatever its length.
        min_edge: least gradient of an edge pixel, as `cv2.spatialGradient` scales it; an edge of 2 grey levels has 6.
        edge_over_texture: least gradient of an edge pixel over the median gradient, which texture and noise set.
        n_centres: centres tried at most.
        min_peak: least votes for a centre over those for the best one.
        clear_radii: how far around a centre no other one is looked for, in smallest radii.
        min_clear_px: the same in px, at least.
    """

    coarse_px: int = 192
    min_second_px: int = 64
    max_votes: int = 30_000
    n_steps: int = 72
    min_edge: float = 6.0
    edge_over_texture: float = 3.0
    n_centres: int = 4
    min_peak: float = 0.25
    clear_radii: float = 2.0
    min_clear_px: int = 3


@dataclass(frozen=True, eq=False, repr=False)
class RingThresholds:
    """Which steps of grey around a point are rings (`circle_votes.rings`).

    Attributes:
        n_rays: rays around the point.
        reach: how far they go, in largest radii.
        min_sigma_px: smoothing along the rays, one sigma, at least.
        sigma: the same as a share of the rays' length.
        max_slope_grey: largest slope of a ray that counts, in grey per px: one scratch must not weigh as a ring.
        min_visible: least share of the rays that must see a radius.
        background_sigma: half of the window, in sigma of the smoothing, whose mean is no edge but falling light.
        first: smallest radius that counts, in smallest radii looked for.
        min_step_grey: least mean step of a ring.
        min_step: least mean step of a ring over the strongest one's.
        n_rings: rings given at most.
        halo_radius: the flank of a line lies close around a ring: the ring's radius over its own is at least this.
        halo_step: the flank of a line steps the other way than that ring, which is this many times as strong.
    """

    n_rays: int = 128
    reach: float = 1.1
    min_sigma_px: float = 1.5
    sigma: float = 0.015
    max_slope_grey: float = 12.0
    min_visible: float = 0.2
    background_sigma: float = 6.0
    first: float = 0.8
    min_step_grey: float = 0.7
    min_step: float = 0.12
    n_rings: int = 5
    halo_radius: float = 0.85
    halo_step: float = 2.0


@dataclass(frozen=True, eq=False, repr=False)
class RimThresholds:
    """How a rim is fitted along single rays (`rim_fit`); radii and widths as shares of the mean radius.

    Attributes:
        n_rays: rays of a fit in full.
        n_rays_together: neighbouring rays averaged: a chip spans more, and what spans fewer is noise.
        min_visible: least share of the rays that must be visible.
        tolerance_px: how far a ray's edge may lie from the ellipse and still count as on it, at least.
        tolerance: the same as a share of the radius.
        tukey_sigma: where Tukey's biweight ends in the last step of a fit, in sigma of the residuals.
        tukey_widths: how many times as far out it ends in each step.
        max_move: how far a fit may move, in half widths of its strip.
        max_move_radius: the same as a share of the radius.
        rough_rays: rays of the rough fit, on the level where the ring was found.
        rough_half: half width of its strip.
        min_rough_half_px: the same in px, at least.
        min_rough_coverage: least coverage of the rough fit.
        sharp_radius_px: the full fit is made on the first level where the radius is smaller. A rim of 128 to 256 px
            is as exact as it gets: a larger one is smoother, not sharper.
        slack_grains: how far off the rough fit may be, in px of its level.
        min_half_px: half width of the strip of the full fit, at least.
        half_tolerances: the same in tolerances.
        blurred_width: a rim is blurred that is wider than this share of the strip's half width. It is fitted again.
        clear_coverage: so is a rim that has less coverage than this.
        noisy_px: noise over steepness, in px, from which on it moves the steepest points of single rays.
        noisy_sigma: smoothing of the second fit of a noisy rim, in widths of the rim: what answers sharpest to it.
        quiet_sigma: smoothing of the second fit of any other rim; less, which keeps more detail.
        min_sigma_px: smoothing of the second fit, at least.
        max_sigma: smoothing of the second fit, at most, as a share of the radius.
        blurred_half_widths: half width of the strip of the second fit, in widths of the rim.
        max_blurred_half: the same as a share of the radius, at most.
    """

    n_rays: int = 256
    n_rays_together: int = 3
    min_visible: float = 0.2
    tolerance_px: float = 0.7
    tolerance: float = 0.012
    tukey_sigma: float = 2.0
    tukey_widths: tuple[float, ...] = (2.0, 1.5, 1.2, 1.0, 1.0)
    max_move: float = 1.5
    max_move_radius: float = 0.5
    rough_rays: int = 64
    rough_half: float = 0.14
    min_rough_half_px: float = 2.5
    min_rough_coverage: float = 0.5
    sharp_radius_px: float = 256
    slack_grains: float = 1.5
    min_half_px: float = 4.0
    half_tolerances: float = 4
    blurred_width: float = 0.2
    clear_coverage: float = 0.8
    noisy_px: float = 0.3
    noisy_sigma: float = 1.5
    quiet_sigma: float = 0.7
    min_sigma_px: float = 1.0
    max_sigma: float = 0.04
    blurred_half_widths: float = 4
    max_blurred_half: float = 0.2


@dataclass(frozen=True, eq=False, repr=False)
class ObscuredThresholds:
    """How a rim under a film is fitted by all rays together (`rim_fit_obscured`).

    Attributes:
        n_rays: rays of the fit.
        n_rays_together: neighbouring rays averaged.
        n_half: samples of the strip to either side.
        min_visible: least share of the rays that must be visible.
        max_slope: largest slope that counts, in mean slopes: a few strong fringes must not outvote the many rays
            that show little.
        sigma_px: smoothing along the rays, one sigma.
        windows: sigma of the window around the ellipse in each step, as a share of the strip's half width.
        concentric: how strongly the ellipse is held to the centre and the aspect of the rim that it starts from.
        halves: half widths of the strips of the two fits, as shares of the radius.
        min_radius: least radius of a fit over the one that it started from.
        max_radius: largest radius of a fit over the one that it started from.
        min_coverage: least share of the visible rays that rise on the ellipse.
        min_agreement: least share of the visible rays that step across it the right way.
        min_step_grey: least grey step.
        min_step_share: the same over that of the clear core: what hides a rim leaves .4 of it, and around a hole that
            is no core there is a ring of .09.
    """

    n_rays: int = 256
    n_rays_together: int = 5
    n_half: int = 32
    min_visible: float = 0.5
    max_slope: float = 4
    sigma_px: float = 1.0
    windows: tuple[float, ...] = (0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.12, 0.12, 0.12)
    concentric: float = 0.3
    halves: tuple[float, float] = (0.15, 0.12)
    min_radius: float = 0.8
    max_radius: float = 1.25
    min_coverage: float = 0.65
    min_agreement: float = 0.7
    min_step_grey: float = 8.0
    min_step_share: float = 0.2


@dataclass(frozen=True, eq=False, repr=False)
class DiscThresholds:
    """Which rims are those of a disc, and which disc is the cladding (`rim`, `endface`).

    Attributes:
        hidden_coverage: how much more coverage a rim needs of which nothing were visible; in proportion in between.
        unanimous_agreement: agreement from which on a rim is unanimous, if all of it is visible.
        unanimous_coverage: how much less coverage a unanimous rim needs.
        min_agreement: least share of the visible rays that step the same way.
        sharp_px: width of a sharp edge after the smoothing that it is looked for with; no rim is refused for it.
        max_width: largest width over the radius; a disc's edge is narrow beside its radius, the slope of a hill is not.
        max_aspect: largest ratio of the half axes: frame grabbers' pixels are 0.91 (NTSC) or 1.09 (PAL) times as wide
            as high (ITU-R BT.601), with some room.
        soft_width: width over the radius from which on a rim is soft, and a sharper one is looked for further in.
        halo_steepness: how many times as steep the rim further in must be; then the soft one is light around it.
        clear_coverage: coverage from which on a rim ends the search.
        field_stop_radius: radius over the picture's shorter side from which on a disc may be a field stop.
        field_stop_offsets: where the surroundings of a field stop are black, in radii outwards from the rim.
        field_stop_rays: rays on which that is looked at.
    """

    hidden_coverage: float = 0.3
    unanimous_agreement: float = 0.98
    unanimous_coverage: float = 0.1
    min_agreement: float = 0.8
    sharp_px: float = 1.8
    max_width: float = 0.07
    max_aspect: float = 1.3
    soft_width: float = 0.025
    halo_steepness: float = 4
    clear_coverage: float = 0.7
    field_stop_radius: float = 0.35
    field_stop_offsets: tuple[float, ...] = (0.08, 0.1, 0.12)
    field_stop_rays: int = 64


@dataclass(frozen=True, eq=False, repr=False)
class SiblingThresholds:
    """Which discs are further fibres of the same ferrule (`multifibre`).

    Attributes:
        max_fibres: discs tried at most; MPO ferrules hold up to 72 fibres (IEC 61754-7).
        level_radius_px: the first level where the radius is below this is searched.
        min_radius: smallest radius over the first fibre's.
        max_radius: largest radius over the first fibre's.
        min_step: smallest grey step over the first fibre's.
        max_step: largest grey step over the first fibre's.
        vote_sigma_px: smoothing of the votes, one sigma.
        min_votes: least votes for a centre over those for the first fibre's.
        apart: how far around a fibre no other is looked for, in radii; fibres do not overlap.
        min_even: least number of discs that can be evenly spaced.
        uneven: largest difference of a distance between neighbours from the median one, as a share of it.
        even_share: least share of the discs that must keep the distance.
        row: how far below another a fibre may lie in the same row, in radii.
        pitch_um: distance of the fibres in a row (IEC 61754-7).
        off_pitch: how far a distance may be from a multiple of the pitch, and a fibre from its place in the row, as a
            share of the pitch.
        min_hidden_votes: least votes for a place where part of a rim may show, over those for the first fibre's.
        rim_half: half width of the strip that part of a rim is looked for in, as a share of the radius.
        rim_tolerance: how far from the ellipse an edge may lie and still be on it, as a share of the radius.
        min_steepness: least steepness of an edge that is part of a rim, over the first fibre's.
        arc: length of the arcs that count, as a share of the rim.
        in_arc: least share of the rays of an arc that must be on the rim. Texture is, here and there, but has no arcs.
        min_part: least share of a rim, in arcs, that shows a fibre. Of 99 pictures of one fibre, none has more than .08
            anywhere else; where half of a rim is covered, .5 is left.
        min_part_in_row: the same where the row goes on, and a fibre is to be expected.
    """

    max_fibres: int = 80
    level_radius_px: float = 16
    min_radius: float = 0.92
    max_radius: float = 1.08
    min_step: float = 0.4
    max_step: float = 2.5
    vote_sigma_px: float = 1.2
    min_votes: float = 0.4
    apart: float = 1.7
    min_even: int = 4
    uneven: float = 0.1
    even_share: float = 0.75
    row: float = 0.75
    pitch_um: float = 250.0
    off_pitch: float = 0.08
    min_hidden_votes: float = 0.2
    rim_half: float = 0.1
    rim_tolerance: float = 0.02
    min_steepness: float = 0.3
    arc: float = 0.08
    in_arc: float = 0.6
    min_part: float = 0.2
    min_part_in_row: float = 0.12


@dataclass(frozen=True, eq=False, repr=False)
class RoughThresholds:
    """Where a ferrule is too rough for the search, and how its even discs are found instead (`rough`).

    Attributes:
        least_px: shorter side of the smallest level of the pyramid in which grain still shows.
        most_px: shorter side of the largest level that is looked at.
        min_deviation_grey: least deviation of half of the picture, in grey levels; in a polished ferrule it is 0 to 3.
        surroundings_px: side of the surroundings that the grey is held against; a bead is larger.
        strong_share: share of the picture that deviates less than what becomes `strong_grey`.
        strong_grey: grey level for that.
        grain_px: how far off a rim may be that was found by its grain.
        min_coverage: least coverage of a rim against which grain lies.
    """

    least_px: int = 150
    most_px: int = 1300
    min_deviation_grey: float = 4
    surroundings_px: int = 5
    strong_share: float = 0.95
    strong_grey: int = 200
    grain_px: float = 4
    min_coverage: float = 0.75


@dataclass(frozen=True, eq=False, repr=False)
class CoreThresholds:
    """Which step of grey inside the cladding is the core's edge (`core`); radii as shares of the cladding's.

    Attributes:
        n_rays: rays around the centre.
        n_sectors: groups of neighbouring rays whose grey is added.
        n_dropped: sectors left out at either end of each radius's order: dirt in a few must not make a ring.
        min_radius: smallest radius looked at.
        min_radius_px: the same in px, at least.
        max_radius: largest radius looked at.
        n_steps: radii looked at out to the cladding.
        min_step_px: their least distance.
        min_radii: radii below which a cladding shows no core.
        sigma: smoothing along the radius, one sigma.
        min_sigma_px: the same in px, at least.
        background_steps: window, in steps, whose mean is no edge but falling light.
        noise_floor: noise of the mean, in grey per step, where the picture shows none.
        doubtful_sigma: height of a step over the noise of the mean that some 80 independent radii do not reach by
            chance: of Gaussian noise, one picture in 200.
        certain_sigma: height that no eye doubts.
        min_confidence: of a core that is told. Of real ones below it, one in two is a scratch or a stain.
        line_radius: largest distance of the two sides of a line, as a share of the largest radius.
        line_height: least height of its weaker side over that of its stronger one; the two step opposite ways.
        min_height: least height of a step that may be the core's edge, over that of the strongest.
        min_height_line: the same where the strongest is one side of a line, and so no core.
        same_edge: steps out to so many times the innermost one's radius are the same edge; the strongest is taken.
    """

    n_rays: int = 256
    n_sectors: int = 16
    n_dropped: int = 2
    min_radius: float = 0.03
    min_radius_px: float = 1.5
    max_radius: float = 0.9
    n_steps: int = 160
    min_step_px: float = 0.5
    min_radii: int = 8
    sigma: float = 0.016
    min_sigma_px: float = 1.0
    background_steps: int = 31
    noise_floor: float = 0.01
    doubtful_sigma: float = 4.0
    certain_sigma: float = 20.0
    min_confidence: float = 0.15
    line_radius: float = 0.09
    line_height: float = 0.35
    min_height: float = 0.5
    min_height_line: float = 0.25
    same_edge: float = 1.15


@dataclass(frozen=True, eq=False, repr=False)
class Thresholds:
    """The thresholds of all steps, in the order of the search."""

    votes: VoteThresholds = field(default_factory=VoteThresholds)
    rings: RingThresholds = field(default_factory=RingThresholds)
    rim: RimThresholds = field(default_factory=RimThresholds)
    disc: DiscThresholds = field(default_factory=DiscThresholds)
    obscured: ObscuredThresholds = field(default_factory=ObscuredThresholds)
    siblings: SiblingThresholds = field(default_factory=SiblingThresholds)
    rough: RoughThresholds = field(default_factory=RoughThresholds)
    core: CoreThresholds = field(default_factory=CoreThresholds)


THRESHOLDS = Thresholds()
