"""The door for hostile JSON: exact values in, or a refusal that names the place."""

import codecs
import gzip
import json
import math
import pickle
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taawun.foundation.strict_json import JsonRefused, Limits, as_count, canonical, objects_of, parse

STRINGS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-(10**308), 10**308),
    st.floats(allow_nan=False, allow_infinity=False),
    STRINGS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(STRINGS, inner, max_size=5),
    max_leaves=30,
)
SPACES: st.SearchStrategy[str] = st.text(" \t\r\n", max_size=3)


def refused(data: bytes, limits: Limits | None = None) -> JsonRefused:
    with pytest.raises(JsonRefused) as caught:
        parse(data, limits or Limits())
    return caught.value


def refused_array(data: bytes, key: str = "objects", limits: Limits | None = None) -> JsonRefused:
    with pytest.raises(JsonRefused) as caught:
        objects_of(data, key, limits or Limits())
    return caught.value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"null", None),
        (b" \t\r\n[1, -2.5e3, true, false]\n", [1, -2500.0, True, False]),
        (b'{"a": {"b": []}}', {"a": {"b": []}}),
        ('{"وزارة": "é😀"}'.encode(), {"وزارة": "é😀"}),
        (rb'"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"', 'é😀"\\/\b\f\n\r\t'),
        (codecs.BOM_UTF8 + b"[1]", [1]),
        (rb'"\\u0000 and \\ud800 are only written about"', r"\u0000 and \ud800 are only written about"),
        (b"1" * 309, int("1" * 309)),
        (b"9223372036854775808", 2**63),
        (b"1e308", 1e308),
        (b"-0.0", -0.0),
        (b'""', ""),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b'{"a":1,"A":1}', {"a": 1, "A": 1}),
    ],
)
def test_sound_json_is_read_as_it_is_written(data, value):
    read = parse(data)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("data", "code", "line", "column", "pointer"),
    [
        # Syntax.
        (b"", "not-json", 1, 1, ""),
        (b"\n\n  ", "not-json", 3, 3, ""),
        (b"{", "not-json", 1, 2, ""),
        (b'{"a":1,}', "not-json", 1, 8, "/a"),
        (b"{'a':1}", "not-json", 1, 2, ""),
        (b"[1,\n 2,\n 3 4]", "not-json", 3, 4, "/2"),
        (b'{"a":[1,2,{"b" 7}]}', "not-json", 1, 16, "/a/2/b"),
        (b'["abc', "not-json", 1, 2, ""),
        (b'["a\nb"]', "not-json", 1, 4, "/0"),
        (b'["a\x00b"]', "not-json", 1, 4, "/0"),
        (rb'["\x41"]', "not-json", 1, 3, "/0"),
        (rb'["\u12g4"]', "not-json", 1, 4, "/0"),
        (b"[01]", "not-json", 1, 3, "/0"),
        (b"[1.]", "not-json", 1, 3, "/0"),
        (b"[+1]", "not-json", 1, 2, ""),
        (b"tru", "not-json", 1, 1, ""),
        (b"// comment\n{}", "not-json", 1, 1, ""),
        (b"[1] [2]", "trailing-data", 1, 5, ""),
        (b"{}\n}", "trailing-data", 2, 1, ""),
        (b"[1]\x00", "trailing-data", 1, 4, ""),
        # Bytes.
        (b'{"a":\n"\xff"}', "not-utf8", 2, 2, ""),
        ('"é'.encode() + b"\xe9" + b'"', "not-utf8", 1, 3, ""),
        (codecs.BOM_UTF8 + b'"\xc3"', "not-utf8", 1, 2, ""),
        (b'"\xed\xa0\x80"', "not-utf8", 1, 2, ""),
        (b'"\xc0\x80"', "not-utf8", 1, 2, ""),
        ("[1]".encode("utf-16"), "not-utf8", 1, 1, ""),
        (codecs.BOM_UTF8 * 2 + b"[1]", "not-json", 1, 1, ""),
        # Keys.
        (b'{"a":1,"a":1}', "duplicate-key", 1, 8, "/a"),
        (b'{"x":[{},\n{"a":1,\n"\\u0061":2}]}', "duplicate-key", 3, 1, "/x/1/a"),
        (b'{"a/b":1,"~":{"k":0,"k":0}}', "duplicate-key", 1, 21, "/~0/k"),
        (b'{"\\ud800":1,"\\ud800":1}', "duplicate-key", 1, 13, r"/\ud800"),
        # Numbers.
        (b"[NaN]", "not-finite", 1, 2, "/0"),
        (b'{"a":\n-Infinity}', "not-finite", 2, 1, "/a"),
        (b"[1, 2e400]", "not-finite", 1, 5, "/1"),
        # a whole number may be written out, but a reader that knows doubles only takes it for infinity
        (b"[1, " + b"9" * 309 + b"]", "not-finite", 1, 5, "/1"),
        (b"[1, -" + b"9" * 400 + b"]", "number-too-long", 1, 5, "/1"),
        (b"[-1e309]", "not-finite", 1, 2, "/0"),
        (b"[7," + b"1" * 401 + b"]", "number-too-long", 1, 4, "/1"),
        (b"[0." + b"1" * 400 + b"]", "number-too-long", 1, 2, "/0"),
        (b"1" * 5000, "number-too-long", 1, 1, ""),
        # Depth.
        (b"[" * 65 + b"]" * 65, "too-deep", 1, 65, "/0" * 64),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too-deep", 1, 321, "/a" * 64),
        (b"[" * 100_000, "too-deep", 1, 65, "/0" * 64),
        (b'[{"a":' * 50_000, "too-deep", 1, 193, "/0/a" * 32),
        # Strings that cannot be stored.
        (b'{"a":["ok","\\u0000"]}', "nul-character", 1, 12, "/a/1"),
        (b'{"a\\u0000":1}', "nul-character", 1, 2, r"/a\x00"),
        (rb'["\ud800"]', "lone-surrogate", 1, 2, "/0"),
        (rb'["\uDC00"]', "lone-surrogate", 1, 2, "/0"),
        (rb'["\ude00\ud83d"]', "lone-surrogate", 1, 2, "/0"),
        (rb'{"\uD83d":1}', "lone-surrogate", 1, 2, r"/\ud83d"),
    ],
)
def test_what_is_not_sound_is_refused_with_its_place(data, code, line, column, pointer):
    error = refused(data)
    assert (error.code, error.line, error.column, error.pointer) == (code, line, column, pointer)
    assert str(error).startswith(f"Line {line}, column {column}")


def test_a_refusal_reads_as_a_sentence_with_the_mend():
    assert str(refused(b'{"objects":[{"id":1,"id":2}]}')) == (
        "Line 1, column 21 (/objects/0/id): the key 'id' stands twice in one object; keep one of them."
    )
    assert str(refused(b"\xff")) == "Line 1, column 1: byte 0 is not UTF-8; save the text as UTF-8."


def test_a_hostile_key_cannot_break_the_lines_or_the_direction_of_a_message():
    sentence = str(refused('{"\\n\u202egnp":[NaN]}'.encode()))
    assert sentence.isprintable()
    assert r"/\n\u202egnp/0" in sentence


def test_a_refusal_survives_the_way_between_processes():
    error = refused(b"[\n1e999]")
    # The bytes are made here: nothing foreign is unpickled.
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own pickle, of a moment ago
    assert (again.code, str(again), again.line, again.pointer) == ("not-finite", str(error), 2, "/0")


def test_a_duplicate_far_into_a_large_text_is_still_named():
    error = refused(b"[" + b'"x",' * 600_000 + b'{"twice":1,"twice":2}]')
    assert (error.code, error.pointer) == ("duplicate-key", "")
    assert "'twice'" in str(error)


def test_a_text_over_the_limit_of_bytes_is_refused_and_one_at_it_is_read():
    assert parse(b"[1,2]", Limits(max_bytes=5)) == [1, 2]
    assert refused(b"[1,2]", Limits(max_bytes=4)).code == "too-large"


def test_the_default_takes_64_mebibytes_and_not_a_byte_more():
    # Spaces and a short value: the limit is tried without building anything large.
    assert parse(b"1".rjust(64 * 1024 * 1024)) == 1
    assert refused(b"1".rjust(64 * 1024 * 1024 + 1)).code == "too-large"


@pytest.mark.parametrize("depth", [1, 2, 5, 64])
@pytest.mark.parametrize("bracket", ["[]", "{}"])
def test_the_limit_of_depth_is_exact(depth, bracket):
    inner = bracket
    for _ in range(depth - 1):
        inner = f"[{inner}]" if bracket == "[]" else f'{{"a":{inner}}}'
    # Brackets inside strings are no depth.
    data = f'["[[[[{{{{{{", {inner}]'.encode()
    parse(data, Limits(max_depth=depth + 1))
    assert refused(data, Limits(max_depth=depth)).code == "too-deep"


def test_the_limit_of_a_string_counts_characters_of_keys_and_values():
    limits = Limits(max_string=3)
    assert parse('["ééé"]'.encode(), limits) == ["ééé"]
    error = refused('["a", "éééé"]'.encode(), limits)
    assert (error.code, error.pointer) == ("string-too-long", "/1")
    assert refused(b'{"abcd":1}', limits).code == "string-too-long"
    assert refused(b'"abcd"', limits).code == "string-too-long"


def test_the_limit_of_values_bounds_what_is_built():
    assert parse(b"[1,2,3]", Limits(max_values=3)) == [1, 2, 3]
    assert refused(b"[1,2,3,4]", Limits(max_values=3)).code == "too-many-values"
    assert refused(b"[[],[],[]]", Limits(max_values=5)).code == "too-many-values"


def _places_agree(data: bytes) -> None:
    """Either both read the same, or ours refuses with a place inside the text."""
    error, value = None, None
    try:
        value = parse(data)
    except JsonRefused as refusal:
        error = refusal
    if error is None:
        # Compared as text: it tells 1 from 1.0 and True.
        assert repr(value) == repr(json.loads(data.decode("utf-8-sig")))
    else:
        assert 1 <= error.line <= data.count(b"\n") + 1
        assert 1 <= error.column <= len(data) + 1


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb")
def test_random_bytes_are_read_as_the_standard_library_would_or_refused(data):
    _places_agree(data)


@given(st.text(st.sampled_from('[]{}",:\\u0dD8019eE+-. \n\tntrfalsNIy"/'), max_size=80))
def test_text_of_json_characters_is_read_as_the_standard_library_would_or_refused(text):
    _places_agree(text.encode())


@given(VALUES, st.data())
def test_a_damaged_text_is_read_as_the_standard_library_would_or_refused(value, data):
    text = canonical(value)
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 3))
    _places_agree(text[:at] + data.draw(st.binary(max_size=3)) + text[at + cut :])


@given(VALUES)
def test_what_is_written_canonically_is_read_back_the_same(value):
    assert repr(parse(canonical(value))) == repr(_sorted(value))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": [True, None, 1.5]}, b'{"a":[true,null,1.5],"b":1}'),
        ({"é": "وزارة\u2028"}, '{"é":"وزارة\u2028"}'.encode()),
        ({"b": {"z": 1, "y": 2}, "B": 0}, b'{"B":0,"b":{"y":2,"z":1}}'),
        ((1, "\n"), b'[1,"\\n"]'),
    ],
)
def test_canonical_is_sorted_dense_utf8(value, written):
    assert canonical(value) == written


@given(st.dictionaries(STRINGS, VALUES, max_size=5), st.randoms())
def test_the_order_of_members_does_not_change_the_canonical_bytes(value, random):
    items = list(value.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(value)


def test_what_json_cannot_say_is_not_written():
    circular: list[object] = []
    circular.append(circular)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    cases = [math.nan, math.inf, {1: 1}, {None: 1}, [{"a": {True: 1}}], "\ud800", b"x", {1, 2}, circular]
    for value in cases:
        with pytest.raises(JsonRefused) as caught:
            canonical(value)
        assert caught.value.code == "not-json-value"
    with pytest.raises(JsonRefused) as caught:
        canonical(deep)
    assert caught.value.code == "too-deep"


def test_the_elements_come_with_their_exact_text_index_and_line():
    data = b'{"type":"bundle",\n "objects": [ {"a" : 1.0} ,\n\n[2],3,\n"x" ], "after": {"objects":[]}}'
    envelope, elements = objects_of(data, "objects")
    assert envelope == {"type": "bundle", "after": {"objects": []}}
    assert [(each.index, each.text, each.value, each.line) for each in elements] == [
        (0, '{"a" : 1.0}', {"a": 1.0}, 2),
        (1, "[2]", [2], 4),
        (2, "3", 3, 4),
        (3, '"x"', "x", 5),
    ]


@pytest.mark.parametrize(
    "data", [b'{"objects":[]}', b' {"objects" :\n[ ] } ', codecs.BOM_UTF8 + b'{"objects":[]}']
)
def test_an_empty_array_has_no_elements(data):
    envelope, elements = objects_of(data, "objects")
    assert (envelope, list(elements)) == ({}, [])


@given(
    st.dictionaries(STRINGS.filter(lambda key: key != "objects"), VALUES, max_size=4),
    st.lists(VALUES, max_size=6),
    st.data(),
)
def test_the_elements_and_the_rest_are_what_was_written_wherever_the_array_stands(others, values, data):
    texts = [json.dumps(value, ensure_ascii=data.draw(st.booleans())) for value in values]
    array = (
        "["
        + ",".join(data.draw(SPACES) + text + data.draw(SPACES) for text in texts)
        + data.draw(SPACES)
        + "]"
    )
    members = [json.dumps(key) + ":" + json.dumps(value) for key, value in others.items()]
    members.insert(
        data.draw(st.integers(0, len(members))),
        f'"objects"{data.draw(SPACES)}:{data.draw(SPACES)}{array}{data.draw(SPACES)}',
    )
    document = (
        data.draw(SPACES) + "{" + data.draw(SPACES) + ",".join(members) + "}" + data.draw(SPACES)
    ).encode()

    envelope, elements = objects_of(document, "objects", Limits())
    found = list(elements)
    assert repr(envelope) == repr(others)
    assert [each.text for each in found] == texts
    assert [repr(each.value) for each in found] == [repr(value) for value in values]
    assert [repr(parse(each.text.encode())) for each in found] == [repr(value) for value in values]
    assert [each.index for each in found] == list(range(len(values)))
    lines = [document.decode()[:at].count("\n") + 1 for at in _starts(document.decode(), found)]
    assert [each.line for each in found] == lines


def _starts(text: str, found) -> list[int]:
    starts, position = [], text.index("[", _value_start(text))
    for each in found:
        position = text.index(each.text, position + 1)
        starts.append(position)
        position += len(each.text) - 1
    return starts


def _value_start(text: str) -> int:
    """Where the array of the top member ``objects`` starts, found with the standard library alone."""
    decoder = json.JSONDecoder()
    position = text.index("{") + 1
    while True:
        position += len(text[position:]) - len(text[position:].lstrip(" \t\r\n,"))
        name, position = decoder.raw_decode(text, position)
        position = text.index(":", position) + 1
        position += len(text[position:]) - len(text[position:].lstrip(" \t\r\n"))
        if name == "objects":
            return position
        _, position = decoder.raw_decode(text, position)


@pytest.mark.parametrize(
    ("data", "code", "line", "column", "pointer"),
    [
        (b"", "not-json", 1, 1, ""),
        (b"[1]", "not-an-object", 1, 1, ""),
        (b"\n 7", "not-an-object", 2, 2, ""),
        (b"[1,", "not-json", 1, 4, "/0"),
        (b"{}", "missing-array", 1, 1, ""),
        (b' {"a":[]}', "missing-array", 1, 2, ""),
        (b'{"a":{"objects":[]}}', "missing-array", 1, 1, ""),
        (b'{"objects":{}}', "not-an-array", 1, 12, "/objects"),
        (b'{"objects":null}', "not-an-array", 1, 12, "/objects"),
        (b'{"objects":nul}', "not-json", 1, 12, "/objects"),
        (b'{"objects":[],\n"objects":[]}', "duplicate-key", 2, 1, "/objects"),
        (b'{"objects":[],"\\u006fbjects":[]}', "duplicate-key", 1, 15, "/objects"),
        (b'{"a":1,"objects":[],"a":2}', "duplicate-key", 1, 21, "/a"),
        (b'{"objects":[{},{"k":1,"k":2}]}', "duplicate-key", 1, 23, "/objects/1/k"),
        (b'{"objects":[1,]}', "not-json", 1, 15, "/objects/1"),
        (b'{"objects":[1 2]}', "not-json", 1, 15, "/objects"),
        (b'{"objects":[1}', "not-json", 1, 14, "/objects"),
        (b'{"objects":[1]', "not-json", 1, 15, ""),
        (b'{"objects":[1],}', "not-json", 1, 16, ""),
        (b'{"objects" []}', "not-json", 1, 12, "/objects"),
        (b"{objects:[]}", "not-json", 1, 2, ""),
        (b'{"objects":[1]} x', "trailing-data", 1, 17, ""),
        (b'{"objects":[1]}{}', "trailing-data", 1, 16, ""),
        (b'{"objects":[1,\n[NaN]]}', "not-finite", 2, 2, "/objects/1/0"),
        (b'{"objects":[1],"x":[1e999]}', "not-finite", 1, 21, "/x/0"),
        (b'{"objects":[1,"\\u0000"]}', "nul-character", 1, 15, "/objects/1"),
        (b'{"objects":[1],"\\ud800":1}', "lone-surrogate", 1, 16, ""),
        (
            b'{"objects":[' + b"[" * 62 + b"]" * 62 + b",[" + b"[" * 62,
            "not-json",
            1,
            201,
            "/objects/1" + "/0" * 62,
        ),
        (b'{"objects":[' + b"[" * 63 + b"]" * 63 + b"]}", "too-deep", 1, 75, "/objects/0" + "/0" * 62),
        (b'{"x":' + b"[" * 64 + b"]" * 64 + b',"objects":[]}', "too-deep", 1, 69, "/x" + "/0" * 63),
        (b'{"objects":[' + b"[" * 100_000, "too-deep", 1, 75, "/objects/0" + "/0" * 62),
        (b'{"objects":["\xff"]}', "not-utf8", 1, 14, ""),
    ],
)
def test_a_document_that_is_not_sound_is_refused_before_any_element_is_given(
    data, code, line, column, pointer
):
    error = refused_array(data)
    assert (error.code, error.line, error.column, error.pointer) == (code, line, column, pointer)


def test_the_depth_counts_from_the_top_of_the_document():
    data = b'{"objects":[' + b"[" * 62 + b"]" * 62 + b"]}"
    assert len(list(objects_of(data, "objects")[1])) == 1


@given(st.binary(max_size=60))
def test_noise_around_an_array_is_refused_or_read_as_the_standard_library_would(noise):
    document = b'{"objects":[1,{"a":2}],' + noise
    try:
        envelope, elements = objects_of(document, "objects")
    except JsonRefused:
        return
    assert repr({"objects": [each.value for each in elements], **envelope}) == repr(json.loads(document))


def test_the_real_attack_bundle_is_streamed_with_exact_texts(data_dir):
    data = gzip.decompress((data_dir / "attack" / "enterprise-attack-stix20.json.gz").read_bytes())
    whole = json.loads(data)
    envelope, elements = objects_of(data, "objects")
    assert envelope == {key: value for key, value in whole.items() if key != "objects"}
    count = 0
    for element, value in zip(elements, whole["objects"], strict=True):
        assert element.value == value
        assert json.loads(element.text) == value
        count += 1
    assert count == 24_771


@pytest.mark.parametrize(("depth", "size"), [(30, 32 * 1024), (200, 64 * 1024), (500, 1024 * 1024)])
def test_a_fault_deep_in_a_text_is_placed_in_time_that_grows_with_the_text_alone(depth, size):
    head = ('{"' + "k" * 100 + '":') * depth + "["
    whole = head + "1," * ((size - len(head)) // 2)
    begun = time.process_time()
    error = refused((whole + "x").encode())
    # 20 s to hours, were a pointer made at each token
    assert time.process_time() - begun < 5
    assert (error.code, error.line, error.column) == ("not-json", 1, len(whole) + 1)
    assert error.pointer.startswith("/" + "k" * 100 + "/")
    assert len(error.pointer) <= 1001


@pytest.mark.parametrize("value", [0, 1, 2**62 - 1])
def test_a_count_is_a_whole_number(value: int) -> None:
    assert as_count(value) == value


@pytest.mark.parametrize("value", [-1, 2**62, 1.0, True, "1", None, [1]])
def test_what_is_no_count_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a count"):
        as_count(value)


def test_a_count_may_have_a_bound_of_its_own() -> None:
    assert as_count(5, 5) == 5
    with pytest.raises(ValueError, match="not a count"):
        as_count(6, 5)
