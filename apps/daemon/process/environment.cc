#include "apps/daemon/process/environment.h"

namespace dt::daemon {

Environment::Environment(const char* const* environ_block) {
  for (; environ_block && *environ_block; ++environ_block) {
    std::string_view entry(*environ_block);
    size_t equals = entry.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    values_.insert_or_assign(std::string(entry.substr(0, equals)), std::string(entry.substr(equals + 1)));
  }
  rebuild();
}

std::optional<std::string_view> Environment::get(std::string_view name) const {
  auto it = values_.find(name);
  if (it == values_.end()) return std::nullopt;
  return it->second;
}

void Environment::apply(const Change& change) {
  if (!change.unset_value_prefix.empty()) {
    std::erase_if(values_, [&](const auto& entry) {
      return entry.second.starts_with(change.unset_value_prefix) && !change.set.contains(entry.first);
    });
  }
  for (const std::string& name : change.unset) values_.erase(name);
  for (const auto& [name, value] : change.set) values_[name] = value;
  rebuild();
}

void Environment::rebuild() {
  texts_.clear();
  pointers_.clear();
  texts_.reserve(values_.size());
  for (const auto& [name, value] : values_) texts_.push_back(name + "=" + value);
  for (std::string& text : texts_) pointers_.push_back(text.data());
  pointers_.push_back(nullptr);
}

char* const* Environment::block(const std::map<std::string, std::string>& overrides, Merged& own) const {
  if (overrides.empty()) return pointers_.data();
  own.texts.reserve(overrides.size());
  size_t index = 0;
  for (const auto& [name, value] : values_) {
    if (!overrides.contains(name)) own.pointers.push_back(pointers_[index]);
    ++index;
  }
  for (const auto& [name, value] : overrides) own.texts.push_back(name + "=" + value);
  for (std::string& text : own.texts) own.pointers.push_back(text.data());
  own.pointers.push_back(nullptr);
  return own.pointers.data();
}

bool valid_env_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  for (char c : name)
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  return true;
}

}  // namespace dt::daemon
