"""`make` writes a profile that LittleCMS made; `compare` reads it and its cleaned copy and compares the colours of both."""
import io
import sys

from PIL import Image, ImageCms

if sys.argv[1] == "make":
    sys.stdout.buffer.write(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
else:
    both = sys.stdin.buffer.read()
    before, after = [ImageCms.ImageCmsProfile(io.BytesIO(part)) for part in (both[:len(both) // 2], both[len(both) // 2:])]
    image = Image.frombytes("RGB", (16, 16), bytes(range(256)) * 3)
    lab = ImageCms.createProfile("LAB")
    colours = [ImageCms.applyTransform(image, ImageCms.buildTransform(profile, lab, "RGB", "LAB")).tobytes() for profile in (before, after)]
    assert colours[0] == colours[1]
    print(ImageCms.getProfileDescription(after).strip())
