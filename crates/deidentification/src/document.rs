//! Bodies that replace an encapsulated document (action D of (0042,0011)): the smallest valid document of the same type.

/// The body for a SOP class of PS3.3 A.45 and A.85 to A.98; `None` for any other class.
pub(crate) fn dummy_document(sop_class: &str) -> Option<&'static [u8]> {
    match sop_class {
        "1.2.840.10008.5.1.4.1.1.104.1" => Some(PDF),
        "1.2.840.10008.5.1.4.1.1.104.2" => Some(CDA),
        "1.2.840.10008.5.1.4.1.1.104.3" => Some(&STL),
        "1.2.840.10008.5.1.4.1.1.104.4" => Some(OBJ),
        "1.2.840.10008.5.1.4.1.1.104.5" => Some(MTL),
        _ => None,
    }
}

/// One empty page (ISO 32000-1 7.5).
const PDF: &[u8] = b"%PDF-1.4\n\
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>endobj\n\
xref\n\
0 4\n\
0000000000 65535 f\x20\n\
0000000009 00000 n\x20\n\
0000000052 00000 n\x20\n\
0000000101 00000 n\x20\n\
trailer<</Size 4/Root 1 0 R>>\n\
startxref\n\
178\n\
%%EOF\n";

/// Every identity masked (HL7 CDA R2, null flavor MSK).
const CDA: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
<ClinicalDocument xmlns=\"urn:hl7-org:v3\">\
<typeId root=\"2.16.840.1.113883.1.3\" extension=\"POCD_HD000040\"/><id nullFlavor=\"MSK\"/><code nullFlavor=\"MSK\"/>\
<effectiveTime nullFlavor=\"MSK\"/><confidentialityCode nullFlavor=\"MSK\"/>\
<recordTarget><patientRole><id nullFlavor=\"MSK\"/></patientRole></recordTarget>\
<author><time nullFlavor=\"MSK\"/><assignedAuthor><id nullFlavor=\"MSK\"/></assignedAuthor></author>\
<custodian><assignedCustodian><representedCustodianOrganization><id nullFlavor=\"MSK\"/>\
</representedCustodianOrganization></assignedCustodian></custodian>\
<component><structuredBody><component><section><text>Removed</text></section></component></structuredBody></component>\
</ClinicalDocument>\n";

/// A binary STL of one triangle without area: 80 bytes of header, a count, 50 bytes.
const STL: [u8; 134] = {
    let mut body = [0; 134];
    body[80] = 1;
    body
};

/// One triangle.
const OBJ: &[u8] = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n";

/// One material.
const MTL: &[u8] = b"newmtl removed\nKd 1 1 1\n";
