#include "base/config.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "serverless/config/v1/setting.pb.h"

namespace so {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using serverless::config::v1::Setting;

const Setting& SettingOf(const FieldDescriptor* field) {
  return field->options().GetExtension(serverless::config::v1::setting);
}

bool IsDuration(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field->message_type()->full_name() == "google.protobuf.Duration";
}

absl::string_view TypeName(const FieldDescriptor* field) {
  if (IsDuration(field)) return "duration such as 1.5s or 500ms";
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return "integer";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return "number";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    default:
      return "text";
  }
}

// Sets one field from its command-line form. False: it does not parse.
bool SetFromText(Message& config, const FieldDescriptor* field,
                 const std::string& text) {
  const google::protobuf::Reflection* reflection = config.GetReflection();
  if (IsDuration(field)) {
    absl::Duration duration;
    if (!absl::ParseDuration(text, &duration)) return false;
    auto* message = static_cast<google::protobuf::Duration*>(
        reflection->MutableMessage(&config, field));
    const int64_t nanos = absl::ToInt64Nanoseconds(duration);
    message->set_seconds(nanos / 1'000'000'000);
    message->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
    return true;
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value;
      if (!absl::SimpleAtoi(text, &value)) return false;
      reflection->SetInt32(&config, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value;
      if (!absl::SimpleAtod(text, &value)) return false;
      reflection->SetDouble(&config, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value;
      if (!absl::SimpleAtob(text, &value)) return false;
      reflection->SetBool(&config, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(&config, field, text);
      return true;
    default:
      return false;
  }
}

void ApplyDefaults(Message& config) {
  const Descriptor* type = config.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const std::string& text = SettingOf(field).default_value();
    if (!text.empty()) SetFromText(config, field, text);
  }
}

class FileErrors : public google::protobuf::io::ErrorCollector {
 public:
  FileErrors(std::string path, std::vector<std::string>& problems)
      : path_(std::move(path)), problems_(problems) {}
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    problems_.push_back(
        absl::StrCat(path_, ":", line + 1, ":", column + 1, ": ", message));
  }

 private:
  const std::string path_;
  std::vector<std::string>& problems_;
};

// What the file says replaces what `config` held; other fields stay.
void MergeFile(const std::string& path, Message& config,
               std::vector<std::string>& problems) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    problems.push_back(absl::StrCat("--config: cannot read ", path));
    return;
  }
  std::unique_ptr<Message> from_file(config.New());
  FileErrors errors(path, problems);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  if (!parser.ParseFromString(text.str(), from_file.get())) return;
  // A duration in the file replaces the default instead of merging into it.
  std::vector<const FieldDescriptor*> set;
  from_file->GetReflection()->ListFields(*from_file, &set);
  for (const FieldDescriptor* field : set) {
    config.GetReflection()->ClearField(&config, field);
  }
  config.MergeFrom(*from_file);
}

double NumberOf(const Message& config, const FieldDescriptor* field) {
  const google::protobuf::Reflection* reflection = config.GetReflection();
  if (IsDuration(field)) {
    return absl::ToDoubleSeconds(
        ToAbsl(static_cast<const google::protobuf::Duration&>(
            reflection->GetMessage(config, field))));
  }
  return field->cpp_type() == FieldDescriptor::CPPTYPE_INT32
             ? reflection->GetInt32(config, field)
             : reflection->GetDouble(config, field);
}

void CheckField(const Message& config, const FieldDescriptor* field,
                std::vector<std::string>& problems) {
  const Setting& setting = SettingOf(field);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    const std::string value = config.GetReflection()->GetString(config, field);
    if (setting.required() && value.empty()) {
      problems.push_back(absl::StrCat(field->name(), ": must not be empty"));
    }
    const auto& allowed = setting.allowed();
    if (!allowed.empty() &&
        std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      problems.push_back(absl::StrCat(field->name(), ": \"", value,
                                      "\" is not one of ",
                                      absl::StrJoin(allowed, ", ")));
    }
    return;
  }
  if (setting.max() > setting.min()) {
    const double value = NumberOf(config, field);
    if (!(value >= setting.min() && value <= setting.max())) {
      const absl::string_view unit = IsDuration(field) ? " s" : "";
      problems.push_back(absl::StrCat(field->name(), ": ", value, unit,
                                      " is not between ", setting.min(), unit,
                                      " and ", setting.max(), unit));
    }
  }
}

}  // namespace

absl::Duration ToAbsl(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

ConfigResult LoadConfig(int argc, const char* const* argv, Message& config) {
  ConfigResult result;
  ApplyDefaults(config);

  CLI::App app;
  app.allow_extras();  // Collected, so that one does not hide the next.
  std::string path;
  app.add_option("--config", path, "text-format file with the same settings")
      ->type_name("FILE");
  const Descriptor* type = config.GetDescriptor();
  std::map<const FieldDescriptor*, std::string> flags;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const Setting& setting = SettingOf(field);
    app.add_option("--" + field->name(), flags[field], setting.help())
        ->type_name(absl::StrCat("[", setting.default_value(), "]"))
        // `--name=` is an empty value, to be judged like any other.
        ->expected(0, 1);
  }
  try {
    app.parse(argc, const_cast<char**>(argv));
  } catch (const CLI::CallForHelp&) {
    result.help = app.help();
    return result;
  } catch (const CLI::ParseError& error) {
    result.problems.push_back(error.what());
  }
  for (const std::string& extra : app.remaining()) {
    result.problems.push_back(absl::StrCat(extra, ": no such flag"));
  }

  if (!path.empty()) MergeFile(path, config, result.problems);
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (app.count("--" + field->name()) > 0 &&
        !SetFromText(config, field, flags[field])) {
      result.problems.push_back(
          absl::StrCat("--", field->name(), ": \"", flags[field], "\" is not a",
                       absl::StartsWith(TypeName(field), "i") ? "n " : " ",
                       TypeName(field)));
    }
    CheckField(config, field, result.problems);
  }
  return result;
}

void LoadConfigOrExit(int argc, const char* const* argv, Message& config) {
  const ConfigResult result = LoadConfig(argc, argv, config);
  if (!result.help.empty()) {
    std::fputs(result.help.c_str(), stdout);
    std::exit(0);
  }
  for (const std::string& problem : result.problems) {
    std::fprintf(stderr, "%s: %s\n", argv[0], problem.c_str());
  }
  if (!result.problems.empty()) std::exit(2);
}

}  // namespace so
