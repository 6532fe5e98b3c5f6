"""Small made-up files of first motions, one of each format."""


def at(size, *cells):
    """A line with texts that begin in given columns."""
    line = [" "] * size
    for column, text in cells:
        line[column - 1 : column - 1 + len(text)] = text
    return "".join(line)


def many(line, number=6):
    """The same line for several stations, up and down by turns."""
    return [line.replace("S00", f"S{i:02d}").replace("?", "UD"[i % 2]) for i in range(number)]


def text(*lines):
    """A file of lines."""
    return ("\n".join([*lines, ""])).encode()


_END = at(80, (66, "1001"))
_EVENT_1 = at(138, (1, "94 1211104155034 1455118 3706 181323"), (81, "  50 110"), (123, "            1001"))
_PICK_1 = at(98, (1, "S00 IP?0"), (59, " 258121           51  10   1"), (96, "VHZ"))
_EVENT_2 = at(
    165,
    (1, "1994 12111 415.5034 14.55118 37.0618.13"),
    (89, " 0.07  0.10"),
    (140, "2.30"),
    (150, "            1001"),
)
_EVENT_4 = at(150, (1, "199401211104154734 1446118 3606 2132"), (131, "            1001"), (148, "230"))
HASH_1 = text(_EVENT_1, *many(_PICK_1), _END, _EVENT_1.replace("1001", "1002"), *many(_PICK_1), _END)
HASH_2 = text(
    _EVENT_2,
    *many("S00  CI  VHZ I ?"),
    _END,
    _EVENT_2.replace("1001", "1002"),
    *many("S00  CI  EHZ E ?"),
    _END,
)
HASH_4 = text(
    _EVENT_4,
    *many("S00  CI VVHZ iP?0199401211104 2050"),
    _EVENT_4,
    *many("S00  CI VVHZ eP?1199401211104 2050"),
)
STATIONS = text(
    *many(at(92, (1, "S00  EHZ A PLACE"), (42, " 34.84845 -119.22497  1975 1976/07/31 3000/01/01 CI")))
)
FIVE_STATIONS = text(
    *many(
        "CI  S00   EHZ  -- A PLACE                          34.84845 -119.22497  1975 1976/07/23 3000/01/01"
    )
)
REVERSALS = text(*many("S00  19940101 19941231"))
AMPLITUDES = text(
    "1001     6", *many("S00  EHZ CI    5.77   45.31      0.620      2.068      1.937     16.295")
)
CORRECTIONS = text(*many("S00   EHZ CI  0.2500"))
SIMULPS = text(
    "  DATE    ORIGIN",
    at(70, (2, "94 121 11 4 15.60 34 14.60 118 37.00  17.50   2.30 20     1001")),
    "",
    "  STN  DIST  AZ TOA",
    *many(at(73, (2, "S00 "), (7, " 25.9  50 118"), (66, "  2.  1."))),
    "",
)
SKHASH = text(
    "event_id,event_id2,station,network,location,channel,p_polarity,takeoff,azimuth,origin_latitude,origin_longitude,origin_depth_km",
    *[f"1,{i},S{i:02d},XX,--,HHZ,{0.1 * i - 0.3:.2f},{20 + i},{30 * i},40.{i},-120.5,8.0" for i in range(8)],
)
SKHASH_AMPLITUDES = text(
    "event_id,station,noise_p,noise_s,amp_p,amp_s",
    *[f"1,S{i:02d},0.{i}1,0.2,{1 + i},{2 + 3 * i}" for i in range(8)],
)
SKHASH_STATIONS = text(
    "station,network,channel,latitude,longitude,elevation",
    *[f"S{i:02d},XX,HHZ,40.{i},-120.{i},{100 * i}" for i in range(8)],
)
SKHASH_REVERSALS = text(
    "station,channel,start_time,end_time", *[f"S{i:02d},HHZ,1900-01-0{1 + i},0" for i in range(8)]
)
FOCMEC = text(
    "An earthquake",
    *many("S00    10.00   40.00?"),
    "S07    20.00   41.00F",
    "S07    20.00   41.00R",
    "S08    30.00   41.00H  0.7000 R  38.50 1.7500 a comment",
    "S09    30.00   41.00V -0.2500 B  38.50 1.7500",
    "S10    31.00   41.00S -0.1000 F  41.00 1.7500",
)
HYPO71 = text(
    "  DATE    ORIGIN    LAT N    LONG W    DEPTH    MAG NO DM GAP M  RMS  ERH  ERZ Q",
    " 920513 1021  5.51 36-40.36 121-10.35   7.25   2.31 20  3  90",
    "",
    "  STN  DIST AZM AIN PRMK HRMN P-SEC",
    *many(" S00    6.3 123  98 IP?0 1021  7.10"),
    "",
)
ARCHIVE = text(
    at(164, (1, "2016101400000811"), (17, "42 4896 13E1335 1080"), (137, "      4711"), (148, "140")),
    "$ shadow",
    *many(at(113, (1, "S00  IV  HHZ IP?1201610140000 1051"), (79, "104"), (92, " 45"), (112, "00"))),
    at(72, (63, "      4711")),
)
FPFIT_SOLUTIONS = text(
    *[
        f"940121 11{i:02d} 15.50 34 14.55 118 37.06  18.13   2.30 31  60  5.0 0.05  0.1  0.2  L 235 60 -90"
        for i in range(6)
    ]
)
NONLINLOC = text(
    'NLLOC "./loc/net.20060715.172120.grid0" "LOCATED" "Location completed."',
    "GEOGRAPHIC  OT 2006 07 15  17 21 20.195670  Lat 51.657659 Long 7.736781 Depth 1.43359",
    "TRANSFORM  LAMBERT RefEllipsoid Clarke-1880  LatOrig 51.656300",
    "PHASE ID Ins Cmp On Pha  FM Date     HrMn   Sec     Err  ErrMag",
    *many(
        "S00   XX   HHZ  I P      ? 20060715 1721     20.63 GAU 0.05 -1 -1 -1 >  0.4 0.1 0.9 -0.05 0.02 0.0 0.36 "
        "109.48 111.0 120.5  9 0.0"
    ),
    "END_PHASE",
    "END_NLLOC",
)
OBSERVATIONS = text(
    "event_id,station,azimuth_deg,takeoff_deg,takeoff_sigma_deg,polarity,polarity_probability,log10_sp,p_amplitude,time",
    *[
        f"1,S{i:02d},{40 * i},{20 * i},{i},{(-1) ** i},0.{i},0.{i},{i + 0.5}e-6,2020-01-02T03:04:0{i}Z"
        for i in range(8)
    ],
)
QUAKEML = b"""<?xml version='1.0' encoding='utf-8'?>
<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" xmlns="http://quakeml.org/xmlns/bed/1.2">
<eventParameters publicID="smi:local/1"><event publicID="smi:local/event/one">
<pick publicID="smi:local/pick/1"><time><value>2020-01-02T03:04:06Z</value></time>
<waveformID networkCode="XX" stationCode="S01" channelCode="HHZ"/><onset>impulsive</onset>
<phaseHint>P</phaseHint><polarity>positive</polarity></pick>
<pick publicID="smi:local/pick/2"><time><value>2020-01-02T03:04:07Z</value></time>
<waveformID networkCode="XX" stationCode="S02" channelCode="HHZ"/><onset>emergent</onset>
<phaseHint>P</phaseHint><polarity>negative</polarity></pick>
<origin publicID="smi:local/origin/1"><time><value>2020-01-02T03:04:05Z</value></time>
<latitude><value>10.0</value></latitude><longitude><value>20.0</value></longitude><depth><value>5000.0</value></depth>
<arrival publicID="smi:local/arrival/1"><pickID>smi:local/pick/1</pickID><phase>P</phase><azimuth>350</azimuth>
<takeoffAngle><value>120</value></takeoffAngle></arrival></origin>
</event></eventParameters></q:quakeml>
"""
