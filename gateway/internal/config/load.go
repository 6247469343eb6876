// Package config fills the gateway's settings the way the other programs of the
// platform fill theirs: defaults from the options of the config message, then a
// text-format file named by --config, then the environment, then one flag per
// field. Everything that is wrong is reported at once.
package config

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "serverless-orchestrator/gateway/gen/serverless/config/v1"
)

// Problems is everything that is wrong with a configuration, a sentence each.
type Problems []string

func (p Problems) Error() string { return strings.Join(p, "\n") }

func (p *Problems) add(format string, args ...any) {
	*p = append(*p, fmt.Sprintf(format, args...))
}

// Load reads the settings of so-gateway. `args` are the arguments after the
// program's name; `getenv` is os.Getenv but for tests. The error is a Problems,
// or ErrHelp when --help was asked for.
func Load(args []string, getenv func(string) string) (*configv1.GatewayConfig, error) {
	config := &configv1.GatewayConfig{}
	message := config.ProtoReflect()
	settings := settingsOf(message)

	flags, problems := parseFlags(args, settings)
	if flags.help {
		return nil, ErrHelp
	}
	for _, s := range settings {
		if err := s.set(message, s.GetDefaultValue()); err != nil {
			problems.add("%s: default: %v", s.name(), err)
		}
	}
	if flags.file != "" {
		if err := mergeFile(message, flags.file); err != nil {
			problems.add("--config: %v", err)
		}
	}
	overridePort(&config.HttpAddress, "PORT", getenv, &problems)
	overridePort(&config.GrpcAddress, "GRPC_PORT", getenv, &problems)
	for _, s := range settings {
		text, given := flags.values[s.name()]
		if !given {
			continue
		}
		if err := s.set(message, text); err != nil {
			problems.add("--%s: %v", s.name(), err)
		}
	}
	check(message, settings, &problems)
	if len(problems) > 0 {
		return nil, problems
	}
	return config, nil
}

// mergeFile replaces the fields that the file mentions. A duration is replaced
// as a whole: merging would keep the nanoseconds of the default.
func mergeFile(message protoreflect.Message, path string) error {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("cannot read the file: %w", err)
	}
	fromFile := message.New()
	if err := prototext.Unmarshal(text, fromFile.Interface()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fromFile.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		message.Clear(field)
		return true
	})
	proto.Merge(message.Interface(), fromFile.Interface())
	return nil
}

// overridePort lets an environment variable change only the port, because that
// is what platforms that start containers set.
func overridePort(address *string, variable string, getenv func(string) string, problems *Problems) {
	text := getenv(variable)
	if text == "" {
		return
	}
	if _, err := strconv.ParseUint(text, 10, 16); err != nil {
		problems.add("%s: %q is not a port, 0 to 65535", variable, text)
		return
	}
	host, _, err := net.SplitHostPort(*address)
	if err != nil {
		return // check names the address itself
	}
	*address = net.JoinHostPort(host, text)
}

// IsUnix tells whether the address of a service is a Unix socket of this machine:
// unix:PATH or unix-abstract:NAME.
func IsUnix(address string) bool {
	return strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "unix-abstract:")
}

func check(message protoreflect.Message, settings []setting, problems *Problems) {
	for _, s := range settings {
		if problem := s.problem(message); problem != "" {
			problems.add("%s: %s", s.name(), problem)
			continue
		}
		if !strings.HasSuffix(s.name(), "_address") {
			continue
		}
		address := message.Get(s.field).String()
		if listens := s.name() == "http_address" || s.name() == "grpc_address"; !listens && IsUnix(address) {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			problems.add("%s: %q is not host:port", s.name(), address)
		}
	}
}
