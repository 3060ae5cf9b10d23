// Image references: "python", "daytonaio/sandbox:0.1.0", "localhost:5000/a/b@sha256:…".
#pragma once
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::oci {

struct Reference {
  std::string registry;    // "docker.io" when none is given
  std::string repository;  // "library/python"
  std::string tag;         // "latest" when neither tag nor digest is given
  std::string digest;      // "sha256:…" or ""

  static Result<Reference> parse(std::string_view text);  // bad_request with the reason
  std::string str() const;                                // canonical, with registry
  bool operator==(const Reference&) const = default;
};

}  // namespace dt::oci
