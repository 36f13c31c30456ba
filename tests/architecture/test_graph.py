"""``graph.yaml`` and the graphs of the tests: read strictly by us, accepted by Serve, buildable as they stand."""

from pathlib import Path

import pytest
import yaml
from ray.serve import Application
from ray.serve.schema import ServeDeploySchema

import serve_app
from deployments import names
from deployments.arguments import SecretaryArgs
from deployments.command.graph import read_graph
from deployments.contracts.errors import InvalidRequest
from deployments.engines.registry import EngineSpec, Kind, find
from deployments.models.catalogue import catalogue
from tests.architecture.sources import ROOT

GRAPHS = [ROOT / "graph.yaml", *sorted((ROOT / "tests" / "graphs").glob("*.yaml"))]
every_graph = pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name)


@every_graph
def test_a_graph_that_ships_is_read(path: Path) -> None:
    assert isinstance(read_graph(path).secretary(), SecretaryArgs)


@every_graph
def test_serve_reads_the_same_graph(path: Path) -> None:
    """`serve deploy` takes the very file; Serve's own schema finds in it what ours does."""
    ours, text = read_graph(path), yaml.safe_load(path.read_text())
    theirs = ServeDeploySchema.parse_obj(text)
    assert [(a.name, a.route_prefix, a.import_path, a.args) for a in theirs.applications] == [
        (a.name, a.route_prefix, a.import_path, a.args) for a in ours.applications
    ]
    assert theirs.proxy_location.value == ours.proxy_location


def test_serve_would_listen_on_loopback() -> None:
    """Serve's own default for a configuration file is every interface."""
    options = ServeDeploySchema.parse_obj(yaml.safe_load((ROOT / "graph.yaml").read_text())).http_options
    assert (options.host, options.port) == ("127.0.0.1", 8002)


@every_graph
def test_every_application_is_built_from_its_arguments(path: Path) -> None:
    graph = read_graph(path)
    ingress = {names.SECRETARY_APP: names.GATEWAY, names.OFFICE_APP: names.OFFICE}
    ingress |= {names.PHONE_APP: names.PHONE, names.BOTS_APP: names.BOTS}
    for application in graph.applications:
        builder = getattr(serve_app, application.import_path.partition(":")[2])
        built = builder(graph.arguments(application))
        assert isinstance(built, Application)
        assert built._bound_deployment.name == ingress[application.name]


@every_graph
def test_every_model_and_every_engine_option_exists(path: Path) -> None:
    graph = read_graph(path)
    for model_id in graph.models():
        catalogue().get(model_id)
    for kind, spec in _engines(graph.secretary()):
        find(kind, spec.engine).Options.model_validate(spec.options)


def _engines(args: SecretaryArgs) -> list[tuple[Kind, EngineSpec]]:
    found: list[tuple[Kind, EngineSpec]] = [("speech", spec) for voice in args.voices for spec in voice.engines]
    if args.chat:
        found.append(("chat", args.chat.spec))
    if args.recognition:
        found.append(("recognition", args.recognition.spec))
    return found


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def one_application(args: str = "{}", more: str = "", path: str = "serve_app:build_secretary") -> str:
    return f"applications: [{{name: secretary, route_prefix: /, import_path: '{path}', args: {args}{more}}}]"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("proxy_locaton: HeadOnly\n" + one_application(), "proxy_locaton: Extra inputs are not permitted"),
        ("http_options: {prot: 80}\n" + one_application(), "http_options.prot: Extra inputs are not permitted"),
        ("http_options: {port: 80000}\n" + one_application(), "http_options.port: Input should be less than"),
        (one_application(more=", arg: {}"), "applications.0.arg: Extra inputs are not permitted"),
        (one_application("{gatway: {}}"), "secretary.args.gatway: Extra inputs are not permitted"),
        (one_application("{gateway: {replica: 2}}"), "secretary.args.gateway.replica: Extra inputs"),
        (
            one_application("{gateway: {replicas: many}}"),
            "secretary.args.gateway.replicas: Input should be a valid int",
        ),
        (one_application("{gateway: {replicas: 0}}"), "secretary.args.gateway.replicas: Input should be greater than"),
        (one_application("{voices: [{engines: []}]}"), "secretary.args.voices.0.engines: Tuple should have at least 1"),
        (one_application("{voices: [{name: 'A B', engines: [{engine: tone}]}]}"), "secretary.args.voices.0.name"),
        (one_application("{chat: {options: {}}}"), "secretary.args.chat.engine: Field required"),
        (one_application("{chat: echo}"), "secretary.args.chat: Input should be"),
        (one_application(path="serve_app:build_secretery"), "secretary: unknown import_path; known: serve_app:build_"),
        ("applications: [{name: secretary}]", "applications.0.route_prefix: Field required"),
        ("applications: []", "applications: Tuple should have at least 1 item"),
        ("{}", "applications: Field required"),
        ("", "file: Input should be a valid dictionary"),
        ("[1, 2]", "file: Input should be a valid dictionary"),
        ("applications: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_place(tmp_path: Path, text: str, place: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InvalidRequest) as caught:
        read_graph(path)
    assert caught.value.message.startswith(f"{path}: {place}")


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "a: 1\nb: 2\n" + one_application())
    with pytest.raises(InvalidRequest, match=r"a: .*; b: "):
        read_graph(path)


def test_a_missing_file_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"none\.yaml: no such file; give one with --graph"):
        read_graph(tmp_path / "none.yaml")


def test_a_graph_without_the_secretary_is_refused_where_engines_are_asked_for(tmp_path: Path) -> None:
    office = "applications: [{name: office, route_prefix: /admin, import_path: 'serve_app:build_office'}]"
    graph = read_graph(written(tmp_path, office))
    with pytest.raises(InvalidRequest, match="no application 'secretary'"):
        graph.secretary()


def test_each_model_of_a_graph_is_named_once_in_order(tmp_path: Path) -> None:
    engines = "[{engine: piper, options: {models: ['model://b', 'model://a/x.onnx', 'model://b']}}]"
    chat = "{engine: llama_cpp, options: {model: 'model://c/y.gguf', nested: {deep: ['model://a']}}}"
    text = one_application(f"{{voices: [{{engines: {engines}}}], chat: {chat}}}")
    assert read_graph(written(tmp_path, text)).models() == ("b", "a", "c")
