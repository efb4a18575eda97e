// The keys that an API server in memory publishes for ServiceAccounts' tokens.
#pragma once

#include "tests/support/scripted_api.hpp"
#include "tests/support/token_maker.hpp"

namespace penstock::test {

inline void publish_keys(ScriptedApi& api, const TokenMaker& maker) {
    api::Document keys;
    keys["keys"] = api::Document::array({maker.published()});
    api.answer_with(
        runtime::Method::Get, "/openid/v1/jwks", {200, "", {}, api::to_json_text(keys)}
    );
}

}  // namespace penstock::test
