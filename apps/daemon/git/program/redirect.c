/* libgit2 sends its headers and credentials to wherever a server redirects it. Its HTTP client is built to call this
 * instead of its own function (cmake/libgit2.cmake), which refuses to leave the host while there are secrets. */
#include "apps/daemon/git/program/redirect.h"

#include <string.h>
#include <strings.h>

#include "git2_util.h"
#include "net.h"

int dt_git_keep_to_host = 0;
int dt_git_redirect_refused = 0;

static int same_place(const char* host, const char* port, int was_default, git_net_url* now) {
  if (!now->host || strcasecmp(host, now->host) != 0) return 0;
  return strcmp(port, now->port) == 0 || (was_default && git_net_url_is_default_port(now));
}

int dt_git_apply_redirect(git_net_url* url, const char* location, bool allow_offsite, const char* suffix) {
  char* host = git__strdup(url->host ? url->host : "");
  char* port = git__strdup(url->port ? url->port : "");
  int was_default = url->port && git_net_url_is_default_port(url);
  int error = host && port ? git_net_url_apply_redirect(url, location, allow_offsite, suffix) : -1;
  if (error == 0 && dt_git_keep_to_host && !same_place(host, port, was_default, url)) {
    git_error_set(GIT_ERROR_NET, "the server redirects to another host, which must not get the credentials");
    dt_git_redirect_refused = 1;
    error = -1;
  }
  git__free(host);
  git__free(port);
  return error;
}
