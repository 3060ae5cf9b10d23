// Signed file URLs (contract clients §11.6): the URL itself is the credential for one method on one path of
// one sandbox, until it expires or the sandbox's key is rotated. Only two routes of the toolbox can be
// signed. Pure.
#pragma once
#include <optional>
#include <string>

#include "apps/proxy/target.h"
#include "libs/base/clock.h"

namespace dt::proxy {

struct SignedFile {
  std::string_view method;  // valid as long as the request
  std::string path;         // decoded, as its signer wrote it
  std::string expires;      // Unix seconds as written; "0": never
  std::string signature;
};

// What a request shows. nullopt: it has no signature, or is for something that cannot be signed.
std::optional<SignedFile> signed_file_of(const Request& request, const Target& target);
// Its time, alone; says nothing about whether the signature is right.
bool expired(const SignedFile& file, Wall now);
bool signed_with(const SignedFile& file, std::string_view key);
// The query that goes to the sandbox, with its question mark: what was signed and nothing else.
std::string query_of(const SignedFile& file);

}  // namespace dt::proxy
