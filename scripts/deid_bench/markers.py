"""Whether an object says of itself what was done to it, and nothing else (PS3.15 E.1.1, E.3; CID 7050)."""
import ours

NAME = "marker"
# Longitudinal Temporal Information Modified (PS3.3 C.12.1.1.6)
TEMPORAL = {"retain_longitudinal_full_dates": "UNMODIFIED", "retain_longitudinal_modified_dates": "MODIFIED"}


def has_dates(ds):
    return any(element.VR in ("DA", "DT") and element.value for element in ds.iterall())


def must_say(option, ds):
    """Whether the object shows that the option was carried out on it."""
    return {"retain_longitudinal_full_dates": has_dates, "retain_longitudinal_modified_dates": has_dates,
            "retain_uids": lambda ds: True}.get(option, lambda ds: False)(ds)


def can_have(option, ds):
    """Whether the option had anything to work on that can still be seen in the object."""
    return {
        "clean_pixel_data": "PixelData" in ds,
        "clean_recognizable_visual_features": "PixelData" in ds,
        "retain_longitudinal_full_dates": has_dates(ds),
        "retain_longitudinal_modified_dates": has_dates(ds),
        "retain_safe_private": any(element.tag.is_private for element in ds.iterall()),
    }.get(option, True)


def wrong(ds, options):
    """What is wrong with the markers of an object."""
    found = []
    codes = [item.get("CodeValue") for item in ds.get("DeidentificationMethodCodeSequence") or []]
    known = {ours.OPTIONS[option][0]: option for option in options}
    if ds.get("PatientIdentityRemoved") != "YES":
        found.append("(0012,0062) is not YES")
    if codes.count(ours.BASIC) != 1:
        found.append(f"113100 stands {codes.count(ours.BASIC)} times")
    for code in sorted(set(codes) - {ours.BASIC}):
        if code not in known:
            found.append(f"{code} is said, not asked for")
        elif not can_have(known[code], ds):
            found.append(f"{code} is said, nothing to do it on")
    found += [f"{ours.OPTIONS[option][0]} is not said" for option in options
              if ours.OPTIONS[option][0] not in codes and must_say(option, ds)]
    temporal = next((TEMPORAL[option] for option in options if option in TEMPORAL), "REMOVED")
    if ds.get("LongitudinalTemporalInformationModified") != temporal:
        found.append(f"(0028,0303) is {ds.get('LongitudinalTemporalInformationModified')}, not {temporal}")
    if ds.get("BurnedInAnnotation") == "NO" and "113101" not in codes:
        found.append("(0028,0301) is NO, pixels were not looked into")
    if ds.get("RecognizableVisualFeatures") == "NO" and "113102" not in codes:
        found.append("(0028,0302) is NO, features were not removed")
    return [f"{NAME}: {what}" for what in found]
