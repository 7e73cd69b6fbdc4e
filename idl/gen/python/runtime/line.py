# --- The line protocol: one JSON object a line -------------------------------

def _json_carried(declared: _Exception) -> Tuple[_Field, ...]:
    """Gives the fields but for those whose names the protocol uses itself."""
    return tuple(field for field in declared.fields
                 if field is declared.message
                 or field.json_name not in ("type", "message"))


_REQUEST = '{"name": "method", "params": {"parameter": value}}'


class _Line:
    """The client's and the server's side of the line protocol."""

    @staticmethod
    def request(method: _Method, plain: Dict[int, Any]) -> bytes:
        params = _json_fields(method.params.fields, plain, False, False)
        return _Line._encode({"name": method.wire_name, "params": params})

    @staticmethod
    def _encode(value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False).encode() + b"\r\n"

    @staticmethod
    def receive(stream: _Stream, method: _Method) -> Tuple[int, Any]:
        """Reads the answer to a call; see _lift_outcome."""
        answer = _expect_object(_parse_json(stream.read_line()), "an object")
        if answer.get("error") is not None:
            return _Line._failure(method, answer["error"])
        if "result" not in answer:
            raise _BadMessage("an answer with neither result nor error")
        value = answer["result"]
        if method.result is None or method.optional and value is None:
            return 1, None
        if value is None:
            return 1, _ZEROS[method.result.kind]
        return 1, _from_json(method.result, value)

    @staticmethod
    def _failure(method: _Method, error: Any) -> Tuple[int, Any]:
        entries = _expect_object(error, "an object")
        name = str(entries.get("type"))
        for status, declared in enumerate(method.exceptions, 2):
            if declared.name == name.rpartition(".")[2]:
                fields = _json_carried(declared)
                return status, _from_json_fields(fields, entries)
        message = str(entries.get("message"))
        if name in _CODES:
            refused = entries.get("not_started") is True
            return 255, RpcError(name, message, "not started" if refused
                                 else "answered",
                                 _Line._details(entries.get("details")))
        return 255, RpcError("unknown", f"{name}: {message}")

    @staticmethod
    def _details(entries: Any) -> List[_Detail]:
        details = []
        for entry in _expect([] if entries is None else entries, list,
                             "a list"):
            entry = _expect_object(entry, "an object")
            name, is_json = str(entry.get("type")), "value" in entry
            data = (entry["value"] if is_json else
                    _read_bytes(_BYTES, entry.get("wire")))
            details.append(_Detail(name, data, is_json))
        return _received(details)

    @staticmethod
    def read_request(stream: _Stream) -> Any:
        return stream.read_line().strip() or None

    @staticmethod
    def answer(server: Server, request: bytes, call: ServerCall) -> bytes:
        entries = _expect_object(_parse_json(request), "an object")
        for name in entries:
            if name not in ("name", "params"):
                raise _BadMessage(f"{_quote(name)} has no meaning; a request "
                                  f"is {_REQUEST}")
        name = _expect(entries.get("name"), str, "a method's name")
        if len(name) > _MAX_NAME:
            raise RpcError("resource_exhausted", "a method's name of "
                           f"{len(name)} characters; the limit is {_MAX_NAME}")
        bound = server._find(name)
        params = entries.get("params")
        try:
            params = {} if params is None else _expect_object(params,
                                                              "an object")
            plain = _from_json_fields(bound.method.params.fields, params,
                                      strict="argument")
        except _BadMessage as err:
            raise err.within("params") from None
        status, result = bound.run(plain, call)
        if status >= 2:
            declared = bound.method.exceptions[status - 2]
            return _Line._encode({"error": {
                "type": declared.name,
                "message": _message_of(declared, result),
                **_Line._others(declared, result)}})
        if bound.method.result and result is not None:
            absent = _is_absent(bound.method.result, result)
            result = None if absent else _to_json(bound.method.result, result,
                                                  True)
        return _Line._encode({"result": result})

    @staticmethod
    def _others(declared: _Exception, plain: Dict[int, Any]) -> Dict[str, Any]:
        fields = tuple(field for field in _json_carried(declared)
                       if field is not declared.message)
        return _json_fields(fields, plain, True, True)

    @staticmethod
    def error(err: RpcError, refused: bool = False) -> bytes:
        """Gives an error's answer; refused marks that no handler ran."""
        message = err.message.encode(errors="backslashreplace").decode()
        error = {"type": err.code, "message": message}
        mark: Dict[str, Any] = {"not_started": True} if refused else {}
        details = []
        for detail, data in _encode_details(err.details, True,
                                            _MAX_DETAIL_BYTES):
            value = ({"value": detail.data} if detail.is_json
                     else {"wire": base64.b64encode(data).decode()})
            details.append({"type": detail.name, **value})
        if details:
            mark["details"] = details
        return _Line._encode({"error": {**error, **mark}})
