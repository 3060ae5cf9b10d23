#include "libs/dbus/message.h"

#include <bit>

#include "libs/dbus/names.h"

namespace dt::dbus {
namespace {

// Codes of header fields.
enum Field : uint8_t {
  kPath = 1,
  kInterface = 2,
  kMember = 3,
  kErrorName = 4,
  kReplySerial = 5,
  kDestination = 6,
  kSender = 7,
  kSignature = 8,
  kUnixFds = 9,
};

constexpr char kOwnOrder = std::endian::native == std::endian::little ? 'l' : 'B';
constexpr size_t kMaxFields = kMaxArray;

std::unexpected<Error> bad(std::string_view why) {
  return fail(Code::bad_request, "D-Bus message: " + std::string(why));
}

size_t padded(size_t size) { return (size + 7) / 8 * 8; }

struct Lengths {
  bool swapped;
  size_t fields, body;
  size_t total() const { return padded(kFixedHeader + fields) + body; }
};

Result<Lengths> read_lengths(std::string_view start) {
  if (start[0] != 'l' && start[0] != 'B') return bad("its first byte names no byte order");
  if (start[3] != 1) return bad("its protocol version is not 1");
  bool swapped = start[0] != kOwnOrder;
  Decoder in(start.substr(0, kFixedHeader), swapped);
  in.fixed<uint32_t>();
  size_t body = in.fixed<uint32_t>();
  in.fixed<uint32_t>();
  Lengths out{swapped, in.fixed<uint32_t>(), body};
  if (out.fields > kMaxFields || out.body > kMaxMessage || out.total() > kMaxMessage)
    return bad("it is larger than 128 MiB");
  return out;
}

// Where the text of a field goes, and the type it must have.
struct FieldRule {
  char type = 0;
  std::string Message::* text = nullptr;
  bool (*valid)(std::string_view) = nullptr;
};
FieldRule rule_of(uint8_t field) {
  switch (field) {
    case kPath:
      return {'o', &Message::path, nullptr};  // its type says what is valid
    case kInterface:
      return {'s', &Message::interface, valid_interface};
    case kMember:
      return {'s', &Message::member, valid_member};
    case kErrorName:
      return {'s', &Message::error_name, valid_interface};
    case kReplySerial:
      return {'u'};
    case kDestination:
      return {'s', &Message::destination, valid_bus_name};
    case kSender:
      return {'s', &Message::sender, valid_bus_name};
    case kSignature:
      return {'g', &Message::signature, nullptr};
    default:
      return {};
  }
}

// One (yv) of the header; it was validated as that.
Status read_field(Decoder& in, Message& out, uint32_t& seen) {
  in.align(8);
  auto field = in.fixed<uint8_t>();
  std::string type(in.signature());
  if (field == 0) return bad("a header field with code 0");
  if (field == kUnixFds) return bad("it carries descriptors, which were not agreed on");
  FieldRule rule = rule_of(field);
  if (!rule.type) return in.skip(type);  // of a later protocol: ignored, as the specification demands
  if (type != std::string_view(&rule.type, 1)) return bad("a header field of a wrong type");
  if (seen & (1u << field)) return bad("a header field that is there twice");
  seen |= 1u << field;
  if (rule.type == 'u') {
    out.reply_serial = in.fixed<uint32_t>();
    return {};
  }
  std::string& text = out.*rule.text;
  text = rule.type == 'g' ? in.signature() : in.text();
  if (rule.valid && !rule.valid(text)) return bad("a name in its header is none");
  return {};
}

Status check_required(const Message& message) {
  bool good = true;
  switch (message.type) {
    case Message::Type::method_call:
      good = !message.path.empty() && !message.member.empty();
      break;
    case Message::Type::signal:
      good = !message.path.empty() && !message.member.empty() && !message.interface.empty();
      break;
    case Message::Type::error:
      good = !message.error_name.empty() && message.reply_serial != 0;
      break;
    case Message::Type::method_return:
      good = message.reply_serial != 0;
      break;
    default:  // of a later protocol, to be ignored
      break;
  }
  if (!good) return bad("a header field that its type needs is missing");
  return {};
}

Status read_fields(std::string_view header, Message& out) {
  Decoder in(header, out.swapped);
  in.fixed<uint64_t>();
  out.serial = in.fixed<uint32_t>();
  if (out.serial == 0) return bad("its serial is 0");
  Decoder checked = in;
  TRY_VOID(checked.skip("a(yv)"));
  size_t end = in.begin_array(8);
  uint32_t seen = 0;
  while (in.position() < end) TRY_VOID(read_field(in, out, seen));
  return check_required(out);
}

void write_text(Encoder& out, Field field, std::string_view text) {
  if (text.empty()) return;
  out.align(8);
  out.fixed(static_cast<uint8_t>(field));
  char type = rule_of(field).type;
  out.signature({&type, 1});
  type == 'g' ? out.signature(text) : out.text(text);
}

void write_fields(Encoder& out, const Message& message) {
  size_t begun = out.begin_array(8);
  write_text(out, kPath, message.path);
  write_text(out, kInterface, message.interface);
  write_text(out, kMember, message.member);
  write_text(out, kErrorName, message.error_name);
  write_text(out, kDestination, message.destination);
  write_text(out, kSender, message.sender);
  write_text(out, kSignature, message.signature);
  if (message.reply_serial) {
    out.align(8);
    out.fixed(static_cast<uint8_t>(kReplySerial));
    out.signature("u");
    out.fixed(message.reply_serial);
  }
  out.end_array(begun, 8);
}

}  // namespace

std::unexpected<Error> Message::wrong_types(const std::string& wanted) const {
  return fail(Code::bad_gateway,
              "D-Bus answer: it holds \"" + signature + "\" where \"" + wanted + "\" belongs");
}

Result<size_t> message_size(std::string_view start) {
  if (start.size() < kFixedHeader) return 0;
  TRY(Lengths lengths, read_lengths(start));
  return lengths.total();
}

Result<Message> parse_message(std::string_view bytes) {
  if (bytes.size() < kFixedHeader) return bad("it is shorter than a header");
  TRY(Lengths lengths, read_lengths(bytes));
  if (lengths.total() != bytes.size()) return bad("its size is not the one in its header");
  Message out;
  auto type = static_cast<uint8_t>(bytes[1]);
  if (type == 0) return bad("its type is 0");
  out.type = static_cast<Message::Type>(type);
  out.flags = static_cast<uint8_t>(bytes[2]);
  out.swapped = lengths.swapped;
  size_t header = kFixedHeader + lengths.fields;
  TRY_VOID(read_fields(bytes.substr(0, header), out));
  for (char c : bytes.substr(header, padded(header) - header))
    if (c != '\0') return bad("padding that is not zero");
  out.body = bytes.substr(padded(header));
  TRY_VOID(validate(out.signature, out.body, out.swapped));
  return out;
}

std::string encode_message(const Message& message) {
  CHECK(!message.swapped && message.serial != 0);
  Encoder out;
  out.fixed(static_cast<uint8_t>(kOwnOrder));
  out.fixed(static_cast<uint8_t>(message.type));
  out.fixed(message.flags);
  out.fixed(uint8_t{1});
  out.fixed(static_cast<uint32_t>(message.body.size()));
  out.fixed(message.serial);
  write_fields(out, message);
  out.align(8);
  return out.take() + message.body;
}

}  // namespace dt::dbus
