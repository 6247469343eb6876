package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "serverless-orchestrator/gateway/gen/serverless/config/v1"
)

// setting is one field of a config message together with its option.
type setting struct {
	*configv1.Setting
	field protoreflect.FieldDescriptor
}

func settingsOf(message protoreflect.Message) []setting {
	fields := message.Descriptor().Fields()
	settings := make([]setting, 0, fields.Len())
	for i := range fields.Len() {
		field := fields.Get(i)
		option, _ := proto.GetExtension(field.Options(), configv1.E_Setting).(*configv1.Setting)
		settings = append(settings, setting{Setting: option, field: field})
	}
	return settings
}

func (s setting) name() string { return string(s.field.Name()) }

func (s setting) isDuration() bool {
	return s.field.Kind() == protoreflect.MessageKind &&
		s.field.Message().FullName() == "google.protobuf.Duration"
}

// set stores a value given as text, the way it is written on a command line.
func (s setting) set(message protoreflect.Message, text string) error {
	value, err := s.parse(text)
	if err != nil {
		return fmt.Errorf("%q is not %s", text, err)
	}
	message.Set(s.field, value)
	return nil
}

// parse's error is only the name of the type that was expected.
func (s setting) parse(text string) (protoreflect.Value, error) {
	if s.isDuration() {
		duration, err := time.ParseDuration(text)
		if err != nil {
			return protoreflect.Value{}, typeError("a duration such as 1.5s or 500ms")
		}
		return protoreflect.ValueOfMessage(durationpb.New(duration).ProtoReflect()), nil
	}
	switch s.field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), nil
	case protoreflect.Int32Kind:
		number, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return protoreflect.Value{}, typeError("an integer")
		}
		return protoreflect.ValueOfInt32(int32(number)), nil
	case protoreflect.DoubleKind:
		number, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(number) {
			return protoreflect.Value{}, typeError("a number")
		}
		return protoreflect.ValueOfFloat64(number), nil
	case protoreflect.BoolKind:
		truth, err := strconv.ParseBool(text)
		if err != nil {
			return protoreflect.Value{}, typeError("true or false")
		}
		return protoreflect.ValueOfBool(truth), nil
	default:
		return protoreflect.Value{}, typeError("settable: a config message holds scalars and durations only")
	}
}

type typeError string

func (e typeError) Error() string { return string(e) }

// problem says what is wrong with the field's value; empty when it is fine.
func (s setting) problem(message protoreflect.Message) string {
	if s.field.Kind() == protoreflect.StringKind {
		return s.textProblem(message.Get(s.field).String())
	}
	if s.GetMax() <= s.GetMin() {
		return ""
	}
	value, unit := s.number(message)
	if value >= s.GetMin() && value <= s.GetMax() {
		return ""
	}
	return fmt.Sprintf("%v%s is not between %v%s and %v%s", value, unit, s.GetMin(), unit, s.GetMax(), unit)
}

func (s setting) textProblem(value string) string {
	if s.GetRequired() && value == "" {
		return "must not be empty"
	}
	if allowed := s.GetAllowed(); len(allowed) > 0 && !slices.Contains(allowed, value) {
		return fmt.Sprintf("%q is not one of %s", value, strings.Join(allowed, ", "))
	}
	return ""
}

// number is the value as the limits count it, durations in seconds.
func (s setting) number(message protoreflect.Message) (value float64, unit string) {
	switch got := message.Get(s.field).Interface().(type) {
	case int32:
		return float64(got), ""
	case float64:
		return got, ""
	case protoreflect.Message:
		if duration, ok := got.Interface().(*durationpb.Duration); ok {
			return duration.AsDuration().Seconds(), " s"
		}
	}
	return math.NaN(), ""
}
