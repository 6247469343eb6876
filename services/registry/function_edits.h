#pragma once

#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/field_mask.pb.h"
#include "serverless/registry/v1/registry.pb.h"
#include "services/registry/field_problems.h"
#include "services/registry/function.h"

namespace so {

// Pure functions from one definition of a function to the next.

using FunctionFields = std::vector<const google::protobuf::FieldDescriptor*>;

// What a client asks for as it would be stored: fields left out take their
// default, output fields are cleared.
Function Completed(Function requested);

// The fields that an update mask names, without the output fields. Reports
// unknown paths, and a mask without any path.
FunctionFields FieldsOf(const google::protobuf::FieldMask& mask,
                        FieldProblems& problems);

// `current` with `fields` taken from `patch`; fields left out there take their
// default. Code and archive are only there when they are among `fields`.
Function Patched(const Function& current, const Function& patch,
                 const FunctionFields& fields);

// Gives environment variables sent back as "***" the value they have in
// `current`, which is null for a new function. Reports those without one.
void KeepMaskedValues(const Function* current, Function& function,
                      FieldProblems& problems);

// Whether two definitions run the same: equal code, runtime, handler and
// environment.
bool RunsTheSame(const Function& a, const Function& b);

// What a version is made of, cut out of a definition; `now` is when it was
// made.
Function VersionOf(const Function& function, absl::Time now);
// `function` at the version that VersionOf made, with its present settings.
Function AtVersion(Function function, const Function& version);

// With environment values hidden.
Function Masked(Function function);
serverless::registry::v1::FunctionVersion MaskedVersion(
    const Function& version, int32_t current_version);

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp);

}  // namespace so
