#include "libs/net/multipart.h"

#include "libs/net/http_test_util.h"

namespace dt {
namespace {

using test::PieceReader;
using test::run;

struct Read {
  std::string name, filename, type, content;
  bool operator==(const Read&) const = default;
};
void PrintTo(const Read& r, std::ostream* os) {
  *os << r.name << "|" << r.filename << "|" << r.type << "|" << r.content;
}

Task<Result<std::vector<Read>>> read_parts(std::vector<std::string> pieces, std::string boundary,
                                           bool skip_content) {
  PieceReader body(std::move(pieces));
  MultipartReader reader(body, boundary);
  std::vector<Read> out;
  for (;;) {
    CO_TRY(auto part, co_await reader.next_part());
    if (!part) co_return std::move(out);
    Read r{.name = part->name,
           .filename = part->filename.value_or("-"),
           .type = std::string(part->headers.get_or("Content-Type", "-")),
           .content = {}};
    while (!skip_content) {
      CO_TRY(std::string_view piece, co_await reader.read());
      if (piece.empty()) break;
      r.content += piece;
    }
    out.push_back(std::move(r));
  }
}

Result<std::vector<Read>> parse(std::vector<std::string> pieces, bool skip = false) {
  return run(read_parts(std::move(pieces), "XX", skip));
}

const std::string kBody =
    "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n"
    "--XX  \r\ncontent-disposition: form-data; name=b; filename=plain.txt\r\nContent-Type: "
    "text/x\r\n\r\n\r\n--X\r\n--XY\r\n\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"empty2\"\r\n\r\n--XX\r\n"
    "Content-Disposition: form-data; name=\"q\\\"uote\"; filename=\"C:\\dir\\f.txt\"\r\n\r\n\r\n\r\n\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"x\"; filename=\"fallback\"; "
    "filename*=UTF-8''na%C3%AFve%20x.txt\r\n\r\n\r\n--XX"
    "--\r\nepilogue --XX";

const std::vector<Read> kExpected = {
    {"a", "-", "-", "value"},
    {"b", "plain.txt", "text/x", "\r\n--X\r\n--XY\r\n"},
    {"empty", "-", "-", ""},
    {"empty2", "-", "-", ""},
    {"q\"uote", "C:\\dir\\f.txt", "-", "\r\n\r\n"},
    {"x", "na\xc3\xafve x.txt", "-", ""},
};

TEST(Multipart, WholeAndByteByByte) {
  const std::string& body = kBody;
  auto whole = parse({body});
  ASSERT_TRUE(whole.has_value()) << whole.error().message;
  EXPECT_EQ(*whole, kExpected);
  std::vector<std::string> bytes;
  for (char c : body) bytes.emplace_back(1, c);
  auto split = parse(bytes);
  ASSERT_TRUE(split.has_value()) << split.error().message;
  EXPECT_EQ(*split, kExpected);
  auto skipped = parse(bytes, true);
  ASSERT_TRUE(skipped.has_value());
  EXPECT_EQ(skipped->size(), kExpected.size());
}

TEST(Multipart, EverySplitPoint) {
  const std::string& body = kBody;
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    auto parts = parse({body.substr(0, cut), body.substr(cut)});
    ASSERT_TRUE(parts.has_value()) << cut << " " << parts.error().message;
    ASSERT_EQ(*parts, kExpected) << cut;
  }
}

TEST(Multipart, TruncatedAnywhereIsAnError) {
  std::string body = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--XX--";
  for (size_t cut = 0; cut < body.size(); ++cut) {
    auto parts = parse({body.substr(0, cut)});
    ASSERT_FALSE(parts.has_value()) << cut;
    EXPECT_EQ(parts.error().code, Code::bad_request);
  }
  EXPECT_TRUE(parse({body}).has_value());
}

TEST(Multipart, Refusals) {
  EXPECT_FALSE(parse({"--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--"}));
  EXPECT_FALSE(parse({"--XX\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--XX--"}));
  EXPECT_FALSE(parse({"--XX\r\nX: " + std::string(20'000, 'a') + "\r\n\r\nx\r\n--XX--"}));
  EXPECT_FALSE(parse({"--XX\r\n\r\nno headers\r\n--XX--"}));
  EXPECT_FALSE(parse({"--XXbad\r\n\r\nx\r\n--XX--"}));
  EXPECT_FALSE(parse({std::string(100'000, 'x')}));
  EXPECT_FALSE(parse({""}));
}

TEST(Multipart, Boundary) {
  EXPECT_EQ(MultipartReader::boundary_of("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(MultipartReader::boundary_of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b;c\"").value(),
            "a b;c");
  EXPECT_FALSE(MultipartReader::boundary_of("multipart/form-data"));
  EXPECT_FALSE(MultipartReader::boundary_of("multipart/form-data; boundary="));
  EXPECT_FALSE(MultipartReader::boundary_of("application/json; boundary=a"));
  EXPECT_FALSE(MultipartReader::boundary_of("multipart/form-data; boundary=" + std::string(201, 'a')));
}

}  // namespace
}  // namespace dt
