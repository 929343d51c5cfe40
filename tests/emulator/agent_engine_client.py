"""Sandboxes of Agent Engine: both clients of google-cloud-aiplatform, unmodified, run programs in them.

A stage of CI, since these clients take long to import: `pytest tests/emulator/agent_engine_client.py`.
"""

from __future__ import annotations

import json

import agentplatform
import pytest
import vertexai
from google.genai import errors

from tests.services import Token

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning"
)

LIBRARIES = {
    "vertexai": (vertexai.Client, lambda client: (client.agent_engines, client.agent_engines.sandboxes)),
    "agentplatform": (agentplatform.Client, lambda client: (client.runtimes, client.sandboxes)),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_googles_clients(start, library):
    make, parts = LIBRARIES[library]
    options = {"base_url": start(["Hi."]).emulator.url}
    engines, sandboxes = parts(
        make(project="p", location="us-central1", credentials=Token(), http_options=options)
    )
    engine = engines.create(config={"display_name": "engine"}).api_resource.name
    spec = {
        "code_execution_environment": {
            "code_language": "LANGUAGE_PYTHON",
            "machine_config": "MACHINE_CONFIG_VCPU4_RAM4GIB",
        }
    }
    config = {"display_name": "box", "ttl": "3600s"}
    sandbox = sandboxes.create(name=engine, spec=spec, config=config).response
    assert (sandbox.display_name, sandbox.state.name, sandbox.ttl) == ("box", "STATE_RUNNING", None)
    assert (sandbox.expire_time - sandbox.create_time).total_seconds() == 3600

    file = {"name": "in.csv", "content": b"1,2\n", "mimeType": "text/csv"}
    code = "text = open('in.csv').read()\nopen('out.csv', 'w').write(text * 2)\nprint(text)"
    answer = sandboxes.execute_code(name=sandbox.name, input_data={"code": code, "files": [file]})
    printed, made = answer.outputs
    assert json.loads(printed.data) == {"exit_status_int": 0, "msg_err": "", "msg_out": "1,2\n\n"}
    assert (made.data, made.mime_type, made.metadata.attributes["file_name"]) == (
        b"1,2\n1,2\n",
        "text/csv",
        b"out.csv",
    )
    (failed,) = sandboxes.execute_code(name=sandbox.name, input_data={"code": "print(text)\n1 / 0"}).outputs
    said = json.loads(failed.data)
    assert (said["exit_status_int"], said["msg_out"]) == (106, "1,2\n\n")
    assert "ZeroDivisionError" in said["msg_err"]

    assert [one.name for one in sandboxes.list(name=engine)] == [sandbox.name]
    with pytest.raises(errors.ClientError, match="has sandboxes"):
        engines.delete(name=engine)
    assert sandboxes.delete(name=sandbox.name).name.startswith(f"{sandbox.name}/operations/")
    with pytest.raises(errors.ClientError) as missing:
        sandboxes.get(name=sandbox.name)
    assert missing.value.code == 404
    sandboxes.create(name=engine, spec=spec)
    engines.delete(name=engine, force=True)
    with pytest.raises(errors.ClientError):
        engines.get(name=engine)
