#include "apps/api/users/routes.h"

namespace dt::api {

std::vector<ApiRoute> UserRoutes::table() {
  return {route({"GET", "/users/me", any_user}, this, &UserRoutes::me)};
}

Result<contract::User> UserRoutes::me(Call& call) {
  TRY(auto user, db_.read([&](store::Reader& r) { return find_user(r, call.who.user); }));
  if (!user) return fail(Code::not_found, "User with ID " + call.who.user.str() + " not found");
  return to_dto(*user);
}

}  // namespace dt::api
