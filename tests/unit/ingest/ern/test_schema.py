"""Messages held against an operator's schemas: small ones of our own here, laid out as folders of schemas are."""

from pathlib import Path

import pytest
from tests.unit.ingest.ern.messages import Made

from yuefu.ingest.ern.message import MessageRefused
from yuefu.ingest.ern.schema import BadSchemas, SchemaFolder

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:avs="http://example.org/avs"
    targetNamespace="http://ddex.net/xml/ern/{version}">
  <xs:import namespace="http://example.org/avs" schemaLocation="http://example.org/far/away/avs.xsd"/>
  <xs:element name="NewReleaseMessage"><xs:complexType><xs:sequence>
    <xs:element name="MessageHeader" type="xs:anyType"/>
    <xs:element name="ResourceList" type="xs:anyType"/>
    <xs:element name="ReleaseList" type="xs:anyType"/>
    <xs:element name="DealList"><xs:complexType><xs:sequence>
      <xs:element name="ReleaseDeal" maxOccurs="{most}" type="xs:anyType"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:sequence><xs:attribute name="Kind" type="avs:Kind"/></xs:complexType></xs:element>
</xs:schema>"""
AVS = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://example.org/avs">
  <xs:simpleType name="Kind"><xs:restriction base="xs:string"/></xs:simpleType>
</xs:schema>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for version, most in (("382", 1), ("43", 5)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "release-notification.xsd").write_text(XSD.format(version=version, most=most))
    (tmp_path / "avs").mkdir()
    (tmp_path / "avs" / "avs.xsd").write_text(AVS)
    (tmp_path / "broken.xsd").write_text("<xs:schema")
    return tmp_path


def test_the_schema_of_a_messages_version_is_found(folder: Path) -> None:
    schemas = SchemaFolder(folder)
    for version in ("382", "43"):
        assert schemas.violations(Made(version=version).bytes()) == ()


def test_what_is_not_valid_is_said_with_its_line(folder: Path) -> None:
    made = Made(version="382", track_deals=Made().deals)
    (violation,) = SchemaFolder(folder).violations(made.bytes(), file="m.xml")
    assert "ReleaseDeal" in violation.problem
    assert violation.file == "m.xml"
    assert violation.line is not None


def test_a_version_without_a_schema_is_said(folder: Path) -> None:
    with pytest.raises(BadSchemas, match=r"no schema among them for NewReleaseMessage of ERN 4\.2"):
        SchemaFolder(folder).violations(Made(version="42").bytes())


def test_a_schema_whose_parts_are_missing_is_not_fetched_but_said(folder: Path) -> None:
    (folder / "avs" / "avs.xsd").unlink()
    with pytest.raises(BadSchemas, match=r"release-notification\.xsd"):
        SchemaFolder(folder).violations(Made().bytes())


def test_a_folder_without_schemas_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSchemas, match="there is no schema"):
        SchemaFolder(tmp_path)


def test_what_is_no_message_is_refused(folder: Path) -> None:
    with pytest.raises(MessageRefused, match="document type"):
        SchemaFolder(folder).violations(b"<!DOCTYPE x><x/>")
