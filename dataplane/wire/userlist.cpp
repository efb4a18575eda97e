#include "dataplane/wire/userlist.hpp"

#include "dataplane/wire/md5.hpp"
#include "dataplane/wire/startup.hpp"

#include <algorithm>
#include <unordered_map>

namespace penstock::wire {
namespace {

using Text = tl::expected<std::string, std::string>;

void skip_spaces(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\f\v"), rest.size()));
}

bool is_comment_or_end(std::string_view rest) {
    return rest.empty() || rest.front() == ';' || rest.front() == '#';
}

// A quoted text off the front of `rest`. `what` names it in the fault.
Text take_quoted(std::string_view& rest, const std::string& what) {
    skip_spaces(rest);
    if (is_comment_or_end(rest)) {
        return tl::unexpected<std::string>{
            "the " + what + " is missing: write \"user\" \"secret\""};
    }
    if (rest.front() != '"') {
        return tl::unexpected<std::string>{"the " + what + " must stand in double quotes"};
    }
    rest.remove_prefix(1);
    std::string text;
    while (true) {
        const std::size_t quote = rest.find('"');
        if (quote == std::string_view::npos) {
            return tl::unexpected<std::string>{
                "the closing quote of the " + what +
                " is missing; a quote inside it is written twice"};
        }
        text += rest.substr(0, quote);
        rest.remove_prefix(quote + 1);
        if (!rest.starts_with('"')) return text;
        text += '"';
        rest.remove_prefix(1);
    }
}

struct Line {
    std::string user;
    Secret secret;
};

tl::expected<Line, std::string> read_line(std::string_view rest) {
    if (rest.find('\0') != std::string_view::npos) {
        return tl::unexpected<std::string>{"holds a zero byte: remove it"};
    }
    Text user = take_quoted(rest, "user name");
    if (!user) return tl::unexpected<std::string>{std::move(user.error())};
    if (user->empty()) {
        return tl::unexpected<std::string>{"the user name is empty: PostgreSQL has no such user"};
    }
    // A client's name is cut likewise.
    if (user->size() > name_bytes_max) user->resize(name_bytes_max);
    // PgBouncer passes over what follows the secret.
    Text text = take_quoted(rest, "secret");
    if (!text) return tl::unexpected<std::string>{std::move(text.error())};
    api::Result<Secret> secret = read_secret(*text);
    if (!secret) return tl::unexpected<std::string>{std::move(secret.error().text)};
    return Line{std::move(*user), std::move(*secret)};
}

}  // namespace

api::Result<Secret> read_secret(std::string_view text) {
    if (text.empty()) return Secret{};
    if (is_md5_secret(text)) return Secret{SecretKind::Md5, std::string{text}, {}, {}};
    if (!text.starts_with(std::string{scram_sha_256} + '$')) {
        return Secret{SecretKind::Plain, std::string{text}, {}, {}};
    }
    auto verifier = parse_scram_verifier(text);
    if (!verifier) {
        return tl::unexpected<api::Error>({
            .path = {},
            .text =
                "the secret begins as a SCRAM verifier but is not a whole one: copy rolpassword "
                "from pg_authid, SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey",
        });
    }
    return Secret{SecretKind::ScramVerifier, std::string{text}, std::move(verifier), {}};
}

bool UserTable::add(std::string_view user, Secret secret) {
    const bool is_verifier = secret.kind == SecretKind::ScramVerifier;
    if (!secrets_.emplace(std::string{user}, std::move(secret)).second) return false;
    has_scram_verifiers_ = has_scram_verifiers_ || is_verifier;
    return true;
}

const Secret* UserTable::find(std::string_view user) const {
    const auto found = secrets_.find(user);
    return found == secrets_.end() ? nullptr : &found->second;
}

int UserTable::usual_iterations() const {
    std::unordered_map<int, std::size_t> counts;
    int usual = scram_default_iterations;
    for (const auto& [user, secret] : secrets_) {
        if (secret.kind != SecretKind::ScramVerifier) continue;
        const int iterations = std::min(secret.verifier->iterations, scram_iterations_max);
        const std::size_t count = ++counts[iterations];
        const std::size_t most = counts[usual];
        if (count > most || (count == most && iterations < usual)) usual = iterations;
    }
    return usual;
}

void UserTable::prepare_verifiers(
    std::string_view mock_secret, int iterations, const UserTable* before
) {
    for (auto& [user, secret] : secrets_) {
        if (secret.kind != SecretKind::Plain) continue;
        std::string salt = scram_salt(mock_secret, user);
        const Secret* const known = before == nullptr ? nullptr : before->find(user);
        const bool is_same = known != nullptr && known->derived != nullptr &&
                             known->derived->is_of(secret.text, salt, iterations);
        secret.derived =
            is_same
                ? known->derived
                : std::make_shared<const DerivedVerifier>(secret.text, std::move(salt), iterations);
    }
}

api::Checked<UserTable> parse_userlist(std::string_view text) {
    UserTable table;
    std::vector<api::Error> errors;
    std::unordered_map<std::string, std::size_t> line_of;
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view rest = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        skip_spaces(rest);
        if (is_comment_or_end(rest)) continue;

        const std::string path = "line " + std::to_string(number);
        auto line = read_line(rest);
        if (!line) {
            errors.push_back({path, std::move(line.error())});
            continue;
        }
        const auto [first, is_new] = line_of.emplace(line->user, number);
        if (!is_new) {
            errors.push_back(
                {path,
                 "user \"" + line->user + "\" stands in line " + std::to_string(first->second) +
                     " already: remove one of the two"}
            );
            continue;
        }
        table.add(line->user, std::move(line->secret));
    }
    if (errors.empty() && table.is_empty()) {
        errors.push_back({{}, "there is no user in it: write \"user\" \"secret\" on a line"});
    }
    if (!errors.empty()) return tl::unexpected<std::vector<api::Error>>{std::move(errors)};
    return table;
}

}  // namespace penstock::wire
