"""Options, and the standard variables for the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from loopengt import ConfigError
from loopengt.testing import loop_spec
from pydantic import ValidationError

from loopengt_otel.options import OtelOptions
from loopengt_otel.settings import read_settings

from .receivers import attributes

if TYPE_CHECKING:
    from .lab import Lab
    from .receivers import GrpcReceiver, HttpReceiver

COMMON = "OTEL_EXPORTER_OTLP_"


def settings(environ: dict[str, str], **options: Any) -> Any:
    """Settings of an environment and options."""
    return read_settings(OtelOptions(**options), environ)


@pytest.mark.parametrize(
    ("environ", "options", "traces", "logs"),
    [
        ({}, {}, "http://localhost:4318/v1/traces", "http://localhost:4318/v1/logs"),
        ({}, {"protocol": "grpc"}, "http://localhost:4317", "http://localhost:4317"),
        ({"ENDPOINT": "http://c:1/base/"}, {}, "http://c:1/base/v1/traces", "http://c:1/base/v1/logs"),
        ({"ENDPOINT": "http://c:1", "TRACES_ENDPOINT": "http://t/x"}, {}, "http://t/x", "http://c:1/v1/logs"),
        (
            {"ENDPOINT": "http://c:1"},
            {"endpoint": "http://o:2"},
            "http://o:2/v1/traces",
            "http://o:2/v1/logs",
        ),
        (
            {"TRACES_ENDPOINT": "http://t/x"},
            {"endpoint": "http://o"},
            "http://o/v1/traces",
            "http://o/v1/logs",
        ),
        ({}, {"endpoint": "http://o/v1/traces"}, "http://o/v1/traces", "http://o/v1/logs"),
        ({"ENDPOINT": "c:1", "PROTOCOL": "grpc"}, {}, "https://c:1", "https://c:1"),
        ({"ENDPOINT": "c:1", "PROTOCOL": "grpc", "INSECURE": "true"}, {}, "http://c:1", "http://c:1"),
        ({"ENDPOINT": "http://c:1", "TRACES_PROTOCOL": "grpc"}, {}, "http://c:1", "http://c:1/v1/logs"),
    ],
)
def test_addresses(environ: dict[str, str], options: dict[str, Any], traces: str, logs: str) -> None:
    """An option wins over a variable, that of the signal over the common one, and paths are put on as OTLP says."""
    made = settings({COMMON + name: value for name, value in environ.items()}, **options)

    assert (made.traces.address, made.logs.address) == (traces, logs)


def test_the_other_variables_are_honoured() -> None:
    """Time limit in milliseconds, compression, headers, resource, service name and content are taken over."""
    environ = {
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
        "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "500",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Basic%20abc, x-team = one",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=low,deployment.environment.name=pro%20duction",
        "OTEL_SERVICE_NAME": "high",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
    }
    made = settings(environ)

    assert (made.traces.timeout, made.logs.timeout, made.traces.gzip) == (2.5, 0.5, True)
    assert made.traces.headers == {"authorization": "Basic abc", "x-team": "one"}
    assert made.resource["service.name"] == "high"
    assert made.resource["deployment.environment.name"] == "pro duction"
    assert made.content is True
    assert settings(environ, content=False).content is False
    assert settings(environ, service_name="mine").resource["service.name"] == "mine"
    assert settings({"OTEL_LOGS_EXPORTER": "none"}).logs is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "the protocol 'http/json' is not supported"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "'zstd' is not supported"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "not a number of milliseconds"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://x", "not an address"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:hunter2@x", "user or password"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2", "not NAME=VALUE"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2%0d%0ax", "not printable"),
        ("OTEL_RESOURCE_ATTRIBUTES", "oops", "'oops' is not NAME=VALUE"),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "perhaps", "neither true nor false"),
    ],
)
def test_a_senseless_variable_is_an_error_that_names_it(name: str, value: str, said: str) -> None:
    """What cannot be meant is no default, and a secret in it is not shown."""
    with pytest.raises(ConfigError) as raised:
        settings({name: value})
    assert name in str(raised.value)
    assert said in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "http://user:hunter2@x"},
        {"endpoint": "http://x?key=hunter2"},
        {"endpoint": "http://x:99999"},
        {"headers": {"authorization": "Bearer hunter2"}},
        {"headers": {"a b": "NAME"}},
        {"flush_seconds": 60},
        {"batchsize": 3},
    ],
)
def test_bad_options_are_refused_and_not_shown(options: dict[str, Any]) -> None:
    """The model refuses what cannot be meant, and shows no value that may be a secret."""
    with pytest.raises(ValidationError) as raised:
        OtelOptions(**options)
    assert "hunter2" not in str(raised.value)


async def test_a_header_whose_variable_is_missing_is_an_error(lab: Lab) -> None:
    """The variable that an option names has to be there; the message says which."""
    lab.agent.script("work", "done")
    run_id = (await lab.run(loop_spec())).run_id
    lab.options = {"headers": {"authorization": "NOT_SET_ANYWHERE"}}
    with pytest.raises(ConfigError, match="NOT_SET_ANYWHERE is not set"):
        await lab.export(run_id)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_gzip_and_resource_arrive(
    lab: Lab,
    http: HttpReceiver,
    grpc_receiver: GrpcReceiver,
    protocol: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Compressed requests are read, and the resource names service and project."""
    receiver = http if protocol == "http" else grpc_receiver
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    lab.agent.script("work", "done")
    result = await lab.to(receiver, service_name="mine", project="loops").run(loop_spec())
    await lab.export(result.run_id)

    assert len(receiver.spans) == 3
    assert receiver.resource["service.name"] == "mine"
    assert receiver.resource["openinference.project.name"] == "loops"
    if protocol == "http":
        assert http.requests[0][1]["content-encoding"] == "gzip"
    assert attributes(receiver.received[-1])["loopengt.run.id"] == result.run_id
