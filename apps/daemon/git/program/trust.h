// Which authorities may sign the certificates of servers.
#pragma once
#include "libs/base/error.h"

namespace dt::git {

// SSL_CERT_FILE, SSL_CERT_DIR, GIT_SSL_CAINFO; else the image's bundle; else our own (Mozilla's list, of
// Debian's package ca-certificates). Initialises OpenSSL without the image's configuration. Before libgit2 is
// set up.
Status trust_authorities();
// Instead, for what talks to no server: setting libgit2 up reads all certificates, most of such a call's
// time.
void trust_nobody();

}  // namespace dt::git
