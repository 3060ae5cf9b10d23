/* How libgit2's HTTP client follows redirects (redirect.c), for C and C++. */
#pragma once
#ifdef __cplusplus
extern "C" {
#endif

/* Not zero: requests carry secrets, and a redirect to another host or port is refused. */
extern int dt_git_keep_to_host;
/* Set to one when that happened. */
extern int dt_git_redirect_refused;

#ifdef __cplusplus
}
#endif
