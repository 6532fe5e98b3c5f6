"""For which earthquakes and sites the authors of each model say that it holds."""

LIMITS: dict[str, dict[str, tuple[float, float]]] = {
    "ASK14": {"magnitude": (3.0, 8.5), "rrup_km": (0.0, 300.0), "vs30_m_s": (180.0, 1500.0)},
    "BSSA14": {"magnitude": (3.0, 8.5), "rjb_km": (0.0, 400.0), "vs30_m_s": (150.0, 1500.0)},
    "CB14": {
        "magnitude": (3.3, 8.5),
        "rrup_km": (0.0, 300.0),
        "vs30_m_s": (150.0, 1500.0),
        "top_depth_km": (0.0, 20.0),
        "hypocentre_depth_km": (0.0, 20.0),
    },
    "CB19": {
        "magnitude": (3.3, 8.5),
        "rrup_km": (0.0, 300.0),
        "vs30_m_s": (150.0, 1500.0),
        "top_depth_km": (0.0, 20.0),
        "hypocentre_depth_km": (0.0, 20.0),
    },
    "CY14": {
        "magnitude": (3.5, 8.5),
        "rrup_km": (0.0, 300.0),
        "vs30_m_s": (180.0, 1500.0),
        "top_depth_km": (0.0, 20.0),
    },
    "I14": {"magnitude": (5.0, 8.5), "rrup_km": (0.0, 150.0), "vs30_m_s": (450.0, 2000.0)},
    "Kotha20": {"magnitude": (3.0, 7.4), "rjb_km": (0.0, 545.0), "vs30_m_s": (90.0, 3000.0)},
    "ASB14": {
        "magnitude": (4.0, 8.0),
        **dict.fromkeys(("rjb_km", "repi_km", "rhypo_km"), (0.0, 200.0)),
        "vs30_m_s": (150.0, 1200.0),
    },
    "Bindi14": {"magnitude": (4.0, 7.6), **dict.fromkeys(("rjb_km", "rhypo_km"), (0.0, 300.0))},
    "Derras14": {
        "magnitude": (4.0, 7.0),
        "rjb_km": (5.0, 200.0),
        "vs30_m_s": (200.0, 800.0),
        "hypocentre_depth_km": (0.0, 25.0),
    },
    "BCHydro16": {
        "magnitude": (5.0, 8.4),
        **dict.fromkeys(("rrup_km", "rhypo_km"), (0.0, 300.0)),
        "vs30_m_s": (150.0, 1500.0),
    },
    "AS16": {"magnitude": (3.0, 7.9), "rrup_km": (0.0, 200.0), "vs30_m_s": (200.0, 1000.0)},
    "Travasarou03": {"magnitude": (4.7, 7.6), "rrup_km": (0.0, 250.0)},
}
"""Of each class, ranges of fields of `Rupture` and `Site`."""
