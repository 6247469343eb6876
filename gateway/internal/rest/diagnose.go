package rest

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
)

// diagnose finds every field of a body that does not fit the message, after
// protojson has refused it: protojson stops at the first mistake and does not
// name the field of a value of the wrong type.
func diagnose(message protoreflect.MessageDescriptor, body []byte) *failure {
	d := diagnosis{}
	d.object(message, "", body)
	if len(d.problems) == 0 {
		return newFailure(codeInvalidArgument, "the body does not describe a %s", strings.ToLower(string(message.Name())))
	}
	return wrongFields(d.problems)
}

type diagnosis struct {
	problems []*errorv1.FieldProblem
}

func (d *diagnosis) add(path, problem string) {
	if path == "" {
		path = "body"
	}
	d.problems = append(d.problems, &errorv1.FieldProblem{Field: path, Problem: problem})
}

// object checks the members of a JSON object against the fields of a message.
func (d *diagnosis) object(message protoreflect.MessageDescriptor, path string, text []byte) {
	found, ok := members(text)
	if !ok {
		d.add(path, "must be an object")
		return
	}
	seen := map[protoreflect.Name]bool{}
	for _, m := range found {
		fields := message.Fields()
		field := fields.ByJSONName(m.key)
		if field == nil {
			field = fields.ByName(protoreflect.Name(m.key))
		}
		switch memberPath := join(path, m.key); {
		case field == nil:
			d.add(memberPath, "is not a known field")
		case seen[field.Name()]:
			d.add(memberPath, "is given more than once")
		default:
			seen[field.Name()] = true
			d.value(field, memberPath, m.value)
		}
	}
}

func (d *diagnosis) value(field protoreflect.FieldDescriptor, path string, text json.RawMessage) {
	switch {
	case string(text) == "null": // the same as leaving the field out
	case field.IsMap():
		d.mapping(field, path, text)
	case field.IsList():
		var elements []json.RawMessage
		if err := json.Unmarshal(text, &elements); err != nil {
			d.add(path, "must be a list")
			return
		}
		for i, element := range elements {
			d.single(field, fmt.Sprintf("%s[%d]", path, i), element, "[", "]")
		}
	default:
		d.single(field, path, text, "", "")
	}
}

func (d *diagnosis) mapping(field protoreflect.FieldDescriptor, path string, text json.RawMessage) {
	found, ok := members(text)
	if !ok {
		d.add(path, "must be an object")
		return
	}
	seen := map[string]bool{}
	for _, m := range found {
		if seen[m.key] {
			d.add(join(path, m.key), "is given more than once")
			continue
		}
		seen[m.key] = true
		if !fits(field, `{"key":`, m.value, "}") {
			d.add(join(path, m.key), expected(field.MapValue()))
		}
	}
}

// single checks one value; `open` and `closing` make it a whole field again.
func (d *diagnosis) single(field protoreflect.FieldDescriptor, path string, text json.RawMessage, open, closing string) {
	if message := field.Message(); message != nil && message.ParentFile().Package() != "google.protobuf" {
		d.object(message, path, text)
		return
	}
	if !fits(field, open, text, closing) {
		d.add(path, expected(field))
	}
}

// fits asks protojson about the field alone.
func fits(field protoreflect.FieldDescriptor, open string, value json.RawMessage, closing string) bool {
	object := fmt.Sprintf(`{%q:%s%s%s}`, field.JSONName(), open, value, closing)
	return protojson.Unmarshal([]byte(object), dynamicpb.NewMessage(field.ContainingMessage())) == nil
}

func expected(field protoreflect.FieldDescriptor) string {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return "must be true or false"
	case protoreflect.StringKind:
		return "must be a string"
	case protoreflect.BytesKind:
		return "must be a string of base64"
	case protoreflect.Int32Kind:
		return "must be a 32-bit integer"
	case protoreflect.DoubleKind:
		return "must be a number"
	case protoreflect.MessageKind:
		switch field.Message().FullName() {
		case "google.protobuf.Timestamp":
			return "must be a time such as 2026-01-01T12:00:00Z"
		case "google.protobuf.Struct":
			return "must be an object with each key once"
		}
	}
	return "has a value of the wrong type"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
