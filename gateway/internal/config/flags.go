package config

import (
	"errors"
	"fmt"
	"strings"

	configv1 "serverless-orchestrator/gateway/gen/serverless/config/v1"
)

// ErrHelp is what Load answers to --help.
var ErrHelp = errors.New("help was asked for")

type flagValues struct {
	help   bool
	file   string
	values map[string]string
}

// parseFlags takes --name=value and --name value. It is not the flag package,
// because that stops at the first mistake.
func parseFlags(args []string, settings []setting) (flagValues, Problems) {
	known := map[string]bool{"config": true}
	for _, s := range settings {
		known[s.name()] = true
	}
	flags := flagValues{values: map[string]string{}}
	var problems Problems
	for i := 0; i < len(args); i++ {
		if args[i] == "--help" || args[i] == "-h" {
			flags.help = true
			continue
		}
		name, isFlag := strings.CutPrefix(args[i], "--")
		if !isFlag {
			problems.add("%q is not a flag", args[i])
			continue
		}
		name, value, hasValue := strings.Cut(name, "=")
		if !known[name] {
			problems.add("--%s: unknown flag; --help lists them", name)
			continue
		}
		if !hasValue {
			if i+1 == len(args) || strings.HasPrefix(args[i+1], "--") {
				problems.add("--%s: needs a value", name)
				continue
			}
			i++
			value = args[i]
		}
		if name == "config" {
			flags.file = value
			continue
		}
		flags.values[name] = value
	}
	return flags, problems
}

// Help is the text of --help: every flag with its meaning and default.
func Help() string {
	var text strings.Builder
	text.WriteString("so-gateway: the REST and gRPC front door of Serverless Orchestrator\n\n")
	line := func(name, help string) { fmt.Fprintf(&text, "  --%-18s %s\n", name, help) }
	line("help", "print this")
	line("config", "text-format file with the same settings")
	for _, s := range settingsOf((&configv1.GatewayConfig{}).ProtoReflect()) {
		help := s.GetHelp()
		if len(s.GetAllowed()) > 0 {
			help += ": " + strings.Join(s.GetAllowed(), ", ")
		}
		line(s.name(), fmt.Sprintf("%s [%s]", help, s.GetDefaultValue()))
	}
	text.WriteString("\nEnvironment: PORT and GRPC_PORT replace the port of http_address and grpc_address;\n" +
		"LOG_FORMAT=json writes one JSON object per line. Flags win over the environment.\n")
	return text.String()
}
