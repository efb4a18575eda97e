#include "tests/support/fake_api_server.hpp"

#include <algorithm>
#include <utility>

namespace penstock::test {

using api::Document;
using runtime::Method;
using runtime::Request;
using runtime::Response;

namespace {

std::vector<std::string> parts_of(const std::string& path) {
    std::vector<std::string> parts;
    for (std::size_t at = 1; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        parts.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

std::string parameter(const Request& request, const std::string& name) {
    for (const auto& [key, value] : request.query)
        if (key == name) return value;
    return "";
}

// RFC 7386; of an apply, as lists are whole values here, the same.
void merge(Document& into, const Document& patch) {
    if (!patch.is_object()) {
        into = patch;
        return;
    }
    if (!into.is_object()) into = Document::object();
    for (const auto& [key, value] : patch.items()) {
        if (value.is_null()) {
            into.erase(key);
        } else {
            merge(into[key], value);
        }
    }
}

// What a selector of the form "a=b,c=d" chooses.
bool is_selected(const Document& object, const std::string& selector) {
    for (std::size_t at = 0; at < selector.size();) {
        const std::size_t end = std::min(selector.find(',', at), selector.size());
        const std::size_t equals = selector.find('=', at);
        const std::string name = selector.substr(at, equals - at);
        const Document labels = object.at("metadata").value("labels", Document::object());
        if (labels.value(name, std::string()) != selector.substr(equals + 1, end - equals - 1))
            return false;
        at = end + 1;
    }
    return true;
}

Response ok(const Document& document, int status = 200) {
    return {status, "", {}, api::to_json_text(document)};
}

}  // namespace

Response FakeApiServer::refusal(int code, const std::string& reason, const std::string& message) {
    const Document status{
        {"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}};
    return ok(status, code);
}

FakeApiServer::Place FakeApiServer::place_of(const std::string& path) {
    const std::vector<std::string> parts = parts_of(path);
    Place place;
    std::size_t at = !parts.empty() && parts[0] == "api" ? 2 : 3;
    for (std::size_t i = 0; i < at && i < parts.size(); ++i) place.collection += "/" + parts[i];
    if (at + 2 < parts.size() && parts[at] == "namespaces") {
        place.name_space = parts[at + 1];
        at += 2;
    }
    if (at < parts.size()) place.collection += "/" + parts[at];
    if (at + 1 < parts.size()) place.name = parts[at + 1];
    if (at + 2 < parts.size()) place.sub = parts[at + 2];
    return place;
}

std::string FakeApiServer::key_of(const Place& place) const {
    return place.name_space + "/" + place.name;
}

std::map<std::string, Document> FakeApiServer::all(const std::string& collection) const {
    const auto found = objects_.find(collection);
    return found == objects_.end() ? std::map<std::string, Document>() : found->second;
}

Response FakeApiServer::answer(const Request& request) {
    const Place place = place_of(request.path);
    if (request.method == Method::Post) return create(place, request);
    if (place.name.empty()) return list(place, request);
    if (request.method == Method::Delete) return remove(place);
    if (request.method != Method::Get) return change(place, request);
    const auto& objects = objects_[place.collection];
    const auto found = objects.find(key_of(place));
    return found == objects.end() ? refusal(404, "NotFound") : ok(found->second);
}

// A page token is "VERSION KEY": the version that the first page showed, and the last key given.
Response FakeApiServer::list(const Place& place, const Request& request) const {
    const std::string token = parameter(request, "continue");
    const std::size_t blank = token.find(' ');
    const std::uint64_t version = token.empty() ? version_ : std::stoull(token);
    if (!token.empty() && version < compacted_) return refusal(410, "Expired");
    const std::string after = token.empty() ? "" : token.substr(blank + 1);
    const std::string limit = parameter(request, "limit");
    const std::size_t most = limit.empty() ? SIZE_MAX : std::stoul(limit);

    Document page;
    page["metadata"]["resourceVersion"] = std::to_string(version);
    page["items"] = Document::array();
    const std::string selector = parameter(request, "labelSelector");
    std::string last;
    for (const auto& [key, object] : all(place.collection)) {
        if (key <= after) continue;
        if (!place.name_space.empty() && !key.starts_with(place.name_space + "/")) continue;
        if (!is_selected(object, selector)) continue;
        if (page["items"].size() == most) {
            page["metadata"]["continue"] = std::to_string(version) + " " + last;
            break;
        }
        last = key;
        page["items"].push_back(object);
    }
    return ok(page);
}

Response FakeApiServer::store(const Place& place, Document object, bool is_new) {
    Document& metadata = object["metadata"];
    metadata["name"] = place.name;
    if (!place.name_space.empty()) metadata["namespace"] = place.name_space;
    metadata["resourceVersion"] = std::to_string(++version_);
    if (is_new) metadata["uid"] = "uid-" + std::to_string(version_);
    metadata["managedFields"] = Document::array({{{"time", version_}}});
    ++writes_;
    objects_[place.collection][key_of(place)] = object;
    history_.push_back(
        {is_new ? "ADDED" : "MODIFIED", place.collection, place.name_space, version_, object}
    );
    return ok(object, is_new ? 201 : 200);
}

Response FakeApiServer::create(Place place, const Request& request) {
    auto object = api::parse_json(request.body);
    if (!object || !object->is_object()) return refusal(400, "BadRequest");
    place.name = (*object)["metadata"].value("name", std::string());
    if (place.name.empty()) return refusal(422, "Invalid", "metadata.name: Required value");
    if (objects_[place.collection].contains(key_of(place))) return refusal(409, "AlreadyExists");
    return store(place, std::move(*object), true);
}

Response FakeApiServer::change(const Place& place, const Request& request) {
    auto& objects = objects_[place.collection];
    const auto found = objects.find(key_of(place));
    const auto given = api::parse_json(request.body);
    if (!given || !given->is_object()) return refusal(400, "BadRequest");
    const bool is_apply = request.content_type == "application/apply-patch+yaml";
    if (found == objects.end()) {
        if (!is_apply || !place.sub.empty()) return refusal(404, "NotFound");
        return store(place, *given, true);
    }
    const Document before = found->second;
    const auto metadata = given->find("metadata");
    if (metadata != given->end() && metadata->contains("resourceVersion") &&
        (*metadata)["resourceVersion"] != before["metadata"]["resourceVersion"])
        return refusal(409, "Conflict");
    Document after = before;
    if (request.method == Method::Put) {
        after = *given;
        for (const char* kept : {"uid", "resourceVersion", "managedFields"})
            after["metadata"][kept] = before["metadata"][kept];
        after["metadata"]["namespace"] = place.name_space;
    } else if (place.sub.empty()) {
        merge(after, *given);
    } else if (given->contains(place.sub)) {
        merge(after[place.sub], (*given)[place.sub]);
    }
    if (after == before) return ok(before);  // nothing was written
    return store(place, std::move(after), false);
}

Response FakeApiServer::remove(const Place& place) {
    auto& objects = objects_[place.collection];
    const auto found = objects.find(key_of(place));
    if (found == objects.end()) return refusal(404, "NotFound");
    Document object = std::move(found->second);
    objects.erase(found);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    ++writes_;
    history_.push_back({"DELETED", place.collection, place.name_space, version_, object});
    return ok({{"kind", "Status"}, {"status", "Success"}});
}

std::optional<FakeApiServer::Stream> FakeApiServer::open(
    const Request& request, Response& refused
) {
    const Place place = place_of(request.path);
    const std::uint64_t from = std::stoull("0" + parameter(request, "resourceVersion"));
    if (from < compacted_) {
        refused = refusal(410, "Expired", "too old resource version");
        return std::nullopt;
    }
    if (from > version_) {
        refused = refusal(504, "Timeout", "Too large resource version");
        return std::nullopt;
    }
    Stream stream{place.collection, place.name_space, parameter(request, "labelSelector")};
    while (stream.next < history_.size() && history_[stream.next].version <= from) ++stream.next;
    return stream;
}

std::string FakeApiServer::read(Stream& stream) {
    std::string lines;
    if (stream.next < history_.size() && history_[stream.next].version < compacted_) {
        stream.is_over = true;
        return R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
               "\n";
    }
    for (; stream.next < history_.size(); ++stream.next) {
        const Happened& each = history_[stream.next];
        if (each.collection != stream.collection) continue;
        if (!stream.name_space.empty() && each.name_space != stream.name_space) continue;
        if (!is_selected(each.object, stream.selector)) continue;
        lines += api::to_json_text({{"type", each.type}, {"object", each.object}}) + "\n";
    }
    return lines;
}

std::string FakeApiServer::bookmark(const Stream& stream) const {
    const std::uint64_t version = stream.next == 0 || stream.next < history_.size() ? 0 : version_;
    if (version == 0) return "";  // it has not been given everything yet
    return api::to_json_text(
               {{"type", "BOOKMARK"},
                {"object", {{"metadata", {{"resourceVersion", std::to_string(version)}}}}}}
           ) +
           "\n";
}

}  // namespace penstock::test
