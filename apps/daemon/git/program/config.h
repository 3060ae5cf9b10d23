// Where the user's files of git are.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::git {

Result<std::string> home_directory();
std::string xdg_config_folder(const std::string& home);

// Makes the credential store the user's credential helper, unless there is one.
Status use_credential_store();

}  // namespace dt::git
