#include "libs/net/http.h"

#include <gtest/gtest.h>

#include "libs/net/chunked.h"
#include "libs/net/read_buffer.h"
#include "libs/net/router.h"

namespace dt {
namespace {

TEST(HttpParse, RequestHead) {
  auto head = parse_request_head(
      "POST /a?b=1 HTTP/1.1\r\nhost: x\r\nX-Empty:\r\nX-Pad: \t v \t\r\nContent-Length: 007\r\n\r\n");
  ASSERT_TRUE(head.has_value()) << head.error().message;
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/a?b=1");
  EXPECT_EQ(head->content_length, 7u);
  EXPECT_EQ(head->headers.get_or("x-empty", "-"), "");
  EXPECT_EQ(head->headers.get_or("X-PAD"), "v");
  EXPECT_TRUE(head->keep_alive);
  EXPECT_FALSE(parse_request_head("GET / HTTP/1.1\r\nHost: x\r\n\r\nmore"));
  EXPECT_FALSE(parse_request_head("GET / HTTP/1.1\r\nHost: x\r\n"));
  EXPECT_FALSE(parse_request_head(""));
}

TEST(HttpParse, KeepAliveRules) {
  auto keep = [](std::string version, std::string connection) {
    return parse_request_head("GET / " + version + "\r\nHost: a\r\nConnection: " + connection + "\r\n\r\n")
        ->keep_alive;
  };
  EXPECT_TRUE(keep("HTTP/1.1", "x"));
  EXPECT_FALSE(keep("HTTP/1.1", "x, Close"));
  EXPECT_FALSE(keep("HTTP/1.0", "x"));
  EXPECT_TRUE(keep("HTTP/1.0", "Keep-Alive"));
  EXPECT_FALSE(keep("HTTP/1.0", "keep-alive, close"));
}

TEST(HttpParse, ResponseHead) {
  auto head = parse_response_head("HTTP/1.1 404 Not Found at all\r\nTransfer-Encoding: Chunked\r\n\r\n");
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->status, 404);
  EXPECT_TRUE(head->chunked);
  for (const char* line : {"HTTP/1.1 99 x", "HTTP/1.1 600 x", "HTTP/1.1 20 x", "HTTP/1.1 2000 x",
                           "HTTP/1.1  200 x", "HTTP/1.1", "HTTP/3 200 x", "HTTP/1.1 2x0 y"})
    EXPECT_FALSE(parse_response_head(std::string(line) + "\r\n\r\n")) << line;
}

TEST(HttpParse, FindsTheEndOfTheHead) {
  std::string text = "GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    size_t scanned = 0;
    auto first = detail::find_head_end(std::string_view(text).substr(0, cut), scanned);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(*first, cut >= 27 ? 27u : 0u) << cut;
    if (*first) continue;
    EXPECT_EQ(detail::find_head_end(text, scanned).value(), 27u) << cut;
  }
  size_t scanned = 0;
  EXPECT_FALSE(detail::find_head_end("a\nb", scanned));
}

TEST(HttpParse, FormatHeadCannotBeSplit) {
  Headers h;
  h.add("A", "x\r\ny: z");
  h.add("B c", "1");
  h.add("", "1");
  EXPECT_EQ(format_head(h, "HTTP/1.1 200 OK"), "HTTP/1.1 200 OK\r\nA: x  y: z\r\n\r\n");
}

TEST(Headers, SetAddRemoveTokens) {
  Headers h;
  h.add("A", "1");
  h.add("b", "x, Y");
  h.add("a", "2");
  EXPECT_EQ(h.count("A"), 2u);
  h.set("a", "3");
  EXPECT_EQ(h.count("A"), 1u);
  EXPECT_EQ(h.all()[0].second, "3");
  EXPECT_TRUE(h.has_token("B", "y"));
  EXPECT_FALSE(h.has_token("B", "z"));
  h.remove("B");
  EXPECT_FALSE(h.get("b"));
}

TEST(Query, Shapes) {
  auto q = Query::parse("a=1&a[]=2&a[10]=3&b=x+y%2B&c&=v&d[x]=1&e=%zz%4&f={\"k\":\"v,w\"}&&g=%C3%A9").value();
  EXPECT_EQ(q.all("a"), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(q.get("b"), "x y+");
  EXPECT_EQ(q.get("c"), "");
  EXPECT_EQ(q.get(""), "v");
  EXPECT_EQ(q.get("d[x]"), "1");
  EXPECT_EQ(q.get("e"), "%zz%4");
  EXPECT_EQ(q.get("f"), "{\"k\":\"v,w\"}");
  EXPECT_EQ(q.get("g"), "\xc3\xa9");
  EXPECT_FALSE(q.has("h"));
  EXPECT_FALSE(Query::parse("a=%00"));
}

Result<std::string> decode(std::string_view text, size_t step, bool& done) {
  detail::ChunkedDecoder decoder;
  std::string out;
  for (size_t at = 0; at < text.size() && !decoder.done(); at += step) {
    std::string_view piece = text.substr(at, step);
    while (!piece.empty() && !decoder.done()) {
      TRY(std::string_view data, decoder.next(piece));
      out += data;
    }
  }
  done = decoder.done();
  return out;
}

TEST(Chunked, AllStepSizes) {
  std::string text = "3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n000\r\nTrailer: a\r\nB: c\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    bool done = false;
    EXPECT_EQ(decode(text, step, done).value(), "abc0123456789");
    EXPECT_TRUE(done);
  }
}

TEST(Chunked, Refusals) {
  bool done;
  for (std::string text :
       {"\r\n", "g\r\n", "1\n", "1 \r\na\r\n", "1\ra", "1\r\nab", "1\r\na\n", "0x1\r\na", "0\r\n bad\r\n\r\n",
        "0\r\nA: \x01\r\n\r\n", "0\r\n\rx", "1;\x01\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n"})
    EXPECT_FALSE(decode(text, 1, done)) << text;
  EXPECT_FALSE(decode("1;" + std::string(2000, 'e'), 100, done));
  EXPECT_FALSE(decode("0\r\n" + std::string(10'000, 'T'), 100, done));
}

Task<Response> nothing(Request&) { co_return Response::empty(204); }

std::string matched(const Router& router, std::string method, std::string path) {
  Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  auto match = router.match(request);
  if (!match) return "error";
  if (!match->route) return match->path_known ? "method" : "none";
  std::string out = match->route->pattern;
  for (const auto& [name, value] : request.params) out += " " + name + "=" + value;
  return out;
}

TEST(Router, Matching) {
  Router r({{"GET", "/", nothing},
            {"GET", "/sandbox", nothing},
            {"POST", "/sandbox", nothing},
            {"GET", "/sandbox/{id}", nothing},
            {"GET", "/sandbox/paginated", nothing},
            {"POST", "/sandbox/{id}/start", nothing},
            {"*", "/toolbox/{id}/{path...}", nothing},
            {"GET", "/toolbox/{id}/special", nothing}});
  EXPECT_EQ(matched(r, "GET", "/"), "/");
  EXPECT_EQ(matched(r, "GET", "/sandbox"), "/sandbox");
  EXPECT_EQ(matched(r, "HEAD", "/sandbox/"), "/sandbox");
  EXPECT_EQ(matched(r, "DELETE", "/sandbox"), "method");
  EXPECT_EQ(matched(r, "GET", "/sandbox/paginated"), "/sandbox/paginated");
  EXPECT_EQ(matched(r, "GET", "/sandbox/a%2Fb"), "/sandbox/{id} id=a/b");
  EXPECT_EQ(matched(r, "GET", "/sandbox/%zz"), "error");
  EXPECT_EQ(matched(r, "GET", "/sandbox/a%00"), "error");
  EXPECT_EQ(matched(r, "POST", "/sandbox/paginated/start"), "/sandbox/{id}/start id=paginated");
  EXPECT_EQ(matched(r, "PATCH", "/toolbox/x/a/b%20c"), "/toolbox/{id}/{path...} id=x path=a/b c");
  EXPECT_EQ(matched(r, "PATCH", "/toolbox/x"), "/toolbox/{id}/{path...} id=x path=");
  EXPECT_EQ(matched(r, "GET", "/toolbox/x/special"), "/toolbox/{id}/special id=x");
  EXPECT_EQ(matched(r, "POST", "/toolbox/x/special"), "/toolbox/{id}/{path...} id=x path=special");
  EXPECT_EQ(matched(r, "GET", "/SANDBOX"), "none");
  EXPECT_EQ(matched(r, "GET", "/sandbox//start"), "none");
  EXPECT_EQ(matched(r, "GET", "/other"), "none");
}

TEST(Router, IgnoreCaseAndDuplicates) {
  Router r({{"GET", "/Sandbox/{id}", nothing}}, true);
  EXPECT_EQ(matched(r, "GET", "/sANDBOX/AbC"), "/Sandbox/{id} id=AbC");
  EXPECT_DEATH(Router({{"GET", "/a/{x}", nothing}, {"GET", "/a/{y}", nothing}}), "CHECK failed");
}

}  // namespace
}  // namespace dt
