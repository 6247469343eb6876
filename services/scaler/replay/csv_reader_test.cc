#include "services/scaler/replay/csv_reader.h"

#include <random>
#include <string>

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Line = std::vector<std::string>;

// All lines behind the head, or what is wrong.
absl::StatusOr<std::vector<Line>> ReadAll(CsvReader& reader) {
  if (const absl::Status status = reader.ReadHead(); !status.ok()) {
    return status;
  }
  std::vector<Line> lines;
  std::vector<absl::string_view> values;
  while (true) {
    const absl::StatusOr<bool> found = reader.Next(values);
    if (!found.ok()) return found.status();
    if (!*found) return lines;
    Line& line = lines.emplace_back();
    for (const absl::string_view value : values) line.emplace_back(value);
  }
}

absl::StatusOr<std::vector<Line>> Parse(const std::string& text,
                                        const CsvReader::Limits& limits = {}) {
  CsvReader reader("t.csv", FromString(text), limits);
  return ReadAll(reader);
}

// Gives one byte at a time.
ByteSource Trickle(std::string text) {
  return [text = std::move(text), at = size_t{0}](
             char* buffer, size_t) mutable -> absl::StatusOr<size_t> {
    if (at == text.size()) return size_t{0};
    *buffer = text[at++];
    return size_t{1};
  };
}

TEST(CsvReaderTest, ReadsValuesBetweenCommas) {
  EXPECT_THAT(*Parse("a,b\n1,2\n,x y\n"),
              ElementsAre(ElementsAre("1", "2"), ElementsAre("", "x y")));
}

TEST(CsvReaderTest, EndsOfLinesMayDiffer) {
  EXPECT_THAT(*Parse("a,b\r\n1,2\r\n\r\n3,4"),
              ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4")));
}

TEST(CsvReaderTest, PiecesOfTheSourceDoNotMatter) {
  CsvReader reader("t.csv", Trickle("a,b\n1,2\n3,4\n"));
  EXPECT_THAT(*ReadAll(reader),
              ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4")));
}

TEST(CsvReaderTest, ManyLinesArriveInOrder) {
  std::string text = "n,filler\n";
  for (int i = 0; i < 20000; ++i) text += std::to_string(i) + ",xxxxxxxxxxxx\n";
  const auto lines = Parse(text);
  SO_ASSERT_OK(lines);
  ASSERT_EQ(lines->size(), 20000u);
  for (int i = 0; i < 20000; ++i) EXPECT_EQ((*lines)[i][0], std::to_string(i));
}

TEST(CsvReaderTest, ColumnsAreFoundByName) {
  CsvReader reader("t.csv", FromString("a,b\n"));
  SO_ASSERT_OK(reader.ReadHead());
  EXPECT_EQ(reader.Column("b"), 1);
  EXPECT_EQ(reader.Column("c"), -1);
}

struct Refused {
  const char* text;
  const char* problem;
};

TEST(CsvReaderTest, ProblemsNameTheLine) {
  const CsvReader::Limits limits = {
      .line_bytes = 20, .columns = 4, .lines = 5, .total_bytes = 60};
  for (const Refused& refused : std::vector<Refused>{
           {"", "t.csv: it is empty"},
           {"a,b\n1\n", "t.csv:2: 1 values, but the head has 2"},
           {"a,b\n1,2\n1,2,3\n", "t.csv:3: 3 values, but the head has 2"},
           {"a,b\n\"1\",2\n", "t.csv:2: a quote"},
           {"a,b,c,d,e\n", "t.csv:1: more than 4 values"},
           {"a\naaaaaaaaaaaaaaaaaaaaa\n", "t.csv:2: longer than 20 bytes"},
           {"aaaaaaaaaaaaaaaaaaaaa", "t.csv:1: longer than 20 bytes"},
           {"a\n1\n2\n3\n4\n5\n", "t.csv:6: more than 5 lines"},
           {"a\naaaaaaaaaaaaaaaaaaa\naaaaaaaaaaaaaaaaaaa\naaaaaaaaaaaaaaaaaaaa",
            "more than 60 bytes unpacked"},
       }) {
    const auto lines = Parse(refused.text, limits);
    EXPECT_THAT(lines, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(lines.status().message(), HasSubstr(refused.problem));
  }
}

TEST(CsvReaderTest, LineWithoutEndIsNotReadOn) {
  size_t given = 0;
  CsvReader reader(
      "t.csv", [&given](char* buffer, size_t size) -> absl::StatusOr<size_t> {
        std::fill(buffer, buffer + size, 'a');
        given += size;
        return size;
      });
  EXPECT_THAT(reader.ReadHead(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_LT(given, size_t{1} << 20);
}

TEST(CsvReaderTest, FailureOfTheSourceIsHandedOn) {
  CsvReader reader("t.csv", [](char*, size_t) -> absl::StatusOr<size_t> {
    return absl::DataLossError("torn");
  });
  EXPECT_THAT(reader.ReadHead(), HasCode(absl::StatusCode::kDataLoss));
}

TEST(CsvReaderTest, AnyBytesAreReadOrRefused) {
  std::mt19937_64 random(5);
  const std::string alphabet("a1,,\n\n\r\"\0\xff ", 11);
  for (int i = 0; i < 5000; ++i) {
    std::string text(random() % 60, '\0');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    const auto lines = Parse(text);
    if (!lines.ok()) continue;
    for (const Line& line : *lines) {
      ASSERT_EQ(line.size(), (*lines)[0].size());
      for (const std::string& value : line) {
        ASSERT_EQ(value.find_first_of(",\n\""), std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace so
