#include "apps/daemon/desktop/program/x11/parameters.h"

#include <gtest/gtest.h>

#include "apps/daemon/desktop/program/x11/mouse.h"

namespace dt::desktop {
namespace {

Result<ScreenshotQuery> parse(std::string_view text, Region region = Region::yes) {
  return parse_screenshot_query(*Query::parse(text), region, Compressed::yes);
}
std::string error(std::string_view text, Region region = Region::yes) {
  auto query = parse(text, region);
  return query ? "none" : query.error().message;
}

TEST(ScreenshotParameters, AllOfThem) {
  auto query = parse("x=-5&y=6&width=7&height=8&showCursor=T&format=jpeg&quality=1&scale=0.1");
  ASSERT_TRUE(query.has_value()) << query.error().message;
  EXPECT_EQ(query->region->x, -5);
  EXPECT_EQ(query->region->height, 8);
  EXPECT_TRUE(query->show_cursor);
  EXPECT_EQ(query->format, "jpeg");
  EXPECT_EQ(query->quality, 1);
  EXPECT_DOUBLE_EQ(query->scale, 0.1);
}

TEST(ScreenshotParameters, Defaults) {
  auto query = parse("", Region::no);
  ASSERT_TRUE(query.has_value());
  EXPECT_FALSE(query->region || query->show_cursor);
  EXPECT_EQ(query->format, "png");
  EXPECT_EQ(query->quality, 85);
  EXPECT_DOUBLE_EQ(query->scale, 1);
}

TEST(ScreenshotParameters, Errors) {
  EXPECT_EQ(error("y=1&width=1&height=1"), "missing required query parameter: x");
  EXPECT_EQ(error("x=1&y=1&Width=1&height=1"), "missing required query parameter: width");
  EXPECT_EQ(error("x=one&y=1&width=1&height=1"), "invalid query parameter x: must be an integer");
  EXPECT_EQ(error("x=1&y=1.5&width=1&height=1"), "invalid query parameter y: must be an integer");
  EXPECT_EQ(error("x=1&y=1&width=0&height=1"), "invalid query parameter width: must be greater than zero");
  EXPECT_EQ(error("x=1&y=1&width=1&height=-1"), "invalid query parameter height: must be greater than zero");
  EXPECT_EQ(error("showCursor=yes", Region::no), "invalid query parameter showCursor: must be a boolean");
  EXPECT_EQ(error("show_cursor=2", Region::no), "invalid query parameter show_cursor: must be a boolean");
  for (const char* text : {"quality=0", "quality=101"})
    EXPECT_EQ(error(text, Region::no), "invalid query parameter quality: must be between 1 and 100");
  EXPECT_EQ(error("quality=x", Region::no), "invalid query parameter quality: must be an integer");
  for (const char* text : {"scale=0.09", "scale=1.01", "scale=-1", "scale=nan"})
    EXPECT_TRUE(error(text, Region::no).starts_with("invalid query parameter scale: must be ")) << text;
  EXPECT_EQ(error("scale=0.05", Region::no), "invalid query parameter scale: must be between 0.1 and 1.0");
}

TEST(ScreenshotParameters, SnakeCaseWins) {
  EXPECT_FALSE(parse("showCursor=true&show_cursor=false", Region::no)->show_cursor);
  EXPECT_TRUE(parse("showCursor=false&show_cursor=1", Region::no)->show_cursor);
}

TEST(MouseParameters, Buttons) {
  EXPECT_EQ(*parse_button(""), Button::left);
  EXPECT_EQ(*parse_button(" Right "), Button::right);
  EXPECT_EQ(*parse_button("MIDDLE"), Button::middle);
  EXPECT_EQ(parse_button("x").error().message,
            "unsupported mouse button \"x\": expected one of left, right, middle");
  EXPECT_EQ(*parse_scroll_direction("Up"), Button::wheel_up);
  EXPECT_EQ(*parse_scroll_direction("down"), Button::wheel_down);
  EXPECT_EQ(parse_scroll_direction("left").error().message,
            "unsupported scroll direction \"left\": expected up or down");
}

}  // namespace
}  // namespace dt::desktop
