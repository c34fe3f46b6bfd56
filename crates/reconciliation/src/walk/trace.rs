//! Our items: Contributing Equipment (PS3.3 C.12.1.1.5) and Original Attributes (C.12.1.1.9).

use std::io::Write;

use dicom_stream::{Tag, VR};

use super::{Done, Walk};
use crate::attribute::CONTRIBUTING_EQUIPMENT;
use crate::reconcile::ReconciliationError;

/// CID 7005 of PS3.16 has a code for de-identifying (109104), none for the way back; it changed values of the object.
const MODIFYING_EQUIPMENT: [&str; 3] = ["109103", "DCM", "Modifying Equipment"];

impl<W: Write> Walk<'_, '_, W> {
    /// Writes our item into the sequence that is open at `tag`.
    pub(super) fn write_own_item(&mut self, tag: Tag) -> Done {
        self.out.start_item()?;
        if tag == CONTRIBUTING_EQUIPMENT {
            self.contributing_equipment()?
        } else {
            self.original_attributes()?
        }
        Ok(self.out.end_item()?)
    }

    fn contributing_equipment(&mut self) -> Done {
        let policy = self.context.policy;
        let equipment = &policy.equipment;
        for (tag, vr, text) in [
            (Tag(0x0008, 0x0070), VR::LO, &equipment.manufacturer),
            (Tag(0x0008, 0x1010), VR::SH, &equipment.station),
            (Tag(0x0008, 0x1090), VR::LO, &equipment.model),
            (Tag(0x0018, 0x1020), VR::LO, &equipment.software),
            (Tag(0x0018, 0xA002), VR::DT, &policy.changed_at),
        ] {
            if !text.is_empty() {
                self.own_text(tag, vr, text)?;
            }
        }
        self.own_text(Tag(0x0018, 0xA003), VR::ST, "Patient and study attributes restored (PS3.15 E.1.2)")?;
        self.out.start_sequence(Tag(0x0040, 0xA170))?;
        self.out.start_item()?;
        let [value, scheme, meaning] = MODIFYING_EQUIPMENT;
        self.own_text(Tag(0x0008, 0x0100), VR::SH, value)?;
        self.own_text(Tag(0x0008, 0x0102), VR::SH, scheme)?;
        self.own_text(Tag(0x0008, 0x0104), VR::LO, meaning)?;
        self.out.end_item()?;
        Ok(self.out.end_sequence()?)
    }

    /// What the partner had altered, in the order of tags; the value comes from the data set, which may be out of order.
    fn original_attributes(&mut self) -> Done {
        let policy = self.context.policy;
        let mut altered = std::mem::take(&mut self.context.altered);
        altered.sort_by_key(|altered| altered.tag);
        altered.dedup_by_key(|altered| altered.tag);
        self.out.start_sequence(Tag(0x0400, 0x0550))?;
        self.out.start_item()?;
        for altered in &altered {
            self.out.value(altered.tag, altered.vr, &altered.value)?;
        }
        self.out.end_item()?;
        self.out.end_sequence()?;
        self.own_text(Tag(0x0400, 0x0562), VR::DT, &policy.changed_at)?;
        self.own_text(Tag(0x0400, 0x0563), VR::LO, &policy.equipment.model)?;
        self.own_text(Tag(0x0400, 0x0564), VR::LO, &policy.partner)?;
        self.own_text(Tag(0x0400, 0x0565), VR::CS, "COERCE")
    }

    /// A text of ours: what the character set of the output does not hold becomes a question mark.
    fn own_text(&mut self, tag: Tag, vr: VR, text: &str) -> Done {
        let text = text.replace('\\', "/");
        let bytes = self.context.target.set.encode(vr, &text).unwrap_or_else(|_| {
            text.chars().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?')).collect()
        });
        self.out.value(tag, vr, &bytes).map_err(ReconciliationError::Output)
    }
}
