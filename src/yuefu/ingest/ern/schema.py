"""Messages held against the schemas that an operator has: DDEX licenses them to each implementer, so none come with us.

Which file is for which message is found by what the files say themselves, so it does not matter how the folder is laid
out. What a schema imports is looked for in the folder by its name, wherever the schema says it is; nothing is fetched.
"""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from yuefu.errors import YuefuError
from yuefu.ingest.ern.document import Node, parse_document
from yuefu.ingest.ern.reading import find_version
from yuefu.music.findings import MOST_FINDINGS, Finding

MOST_SCHEMAS = 1_000
_XSD = "{http://www.w3.org/2001/XMLSchema}"


class BadSchemas(YuefuError):
    """A folder of schemas that cannot be used."""


class SchemaFolder:
    """The schemas in a folder and the folders in it."""

    def __init__(self, folder: Path) -> None:
        self._files = sorted(folder.rglob("*.xsd"))[:MOST_SCHEMAS]
        if not self._files:
            raise BadSchemas(f"{folder}: there is no schema (*.xsd) in it")
        self._loaded: dict[Path, Any] = {}

    def violations(self, data: bytes, *, file: str = "") -> tuple[Finding, ...]:
        """What a message's schema has against it, nothing for a valid one.

        Raises `MessageRefused` for what is no message we read, `BadSchemas` where there is no schema for it.
        """
        root = parse_document(data)
        version = find_version(root)
        schema = self._schema(root, version)
        schema.validate(root.element)
        return tuple(
            Finding(problem=" ".join(entry.message.split())[:300], action="not valid", file=file, line=entry.line)
            for entry in list(schema.error_log)[:MOST_FINDINGS]
        )

    def _schema(self, root: Node, version: str) -> Any:
        path = self._find(root)
        if path is None:
            raise BadSchemas(f"there is no schema among them for {root.name} of ERN {version}")
        if path not in self._loaded:
            try:
                self._loaded[path] = etree.XMLSchema(etree.parse(path, self._parser()))
            except (etree.LxmlError, OSError) as error:
                raise BadSchemas(f"{path}: {str(error).splitlines()[0][:200]}") from None
        return self._loaded[path]

    def _find(self, root: Node) -> Path | None:
        """The schema whose target namespace and element are the message's."""
        for path in self._files:
            try:
                schema = etree.parse(path, self._parser()).getroot()
            except (etree.LxmlError, OSError):
                continue
            names = {element.get("name") for element in schema.iterchildren(f"{_XSD}element")}
            if schema.get("targetNamespace") == root.namespace and root.name in names:
                return path
        return None

    def _parser(self) -> Any:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        parser.resolvers.add(_Local(self._files))
        return parser


class _Local(etree.Resolver):  # type: ignore[misc]
    """Finds what schemas import among the files there are."""

    def __init__(self, files: list[Path]) -> None:
        super().__init__()
        self._files = files

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # noqa: ARG002
        asked = Path(unquote(urlsplit(system_url).path))
        if asked in self._files:
            return self.resolve_filename(str(asked), context)
        found = next((path for path in self._files if path.name == asked.name), None)
        return self.resolve_string("", context) if found is None else self.resolve_filename(str(found), context)
