// The Kubernetes API server as a value in memory: objects, versions, lists in pages, watches,
// applies, status, conflicts. Requests are answered at once and rightly; whoever carries them adds
// delays and faults. Knows no kinds: a path's last part before the name is one.
#pragma once

#include "crds/api/document.hpp"
#include "operator/runtime/request.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock::test {

class FakeApiServer {
 public:
    // A watch that is open. Gives out what has happened since it was last asked.
    struct Stream {
        std::string collection;
        std::string name_space;  // empty: all
        std::string selector;    // of labels: "a=b,c=d"
        std::size_t next = 0;    // of the history
        bool is_over = false;    // it has said ERROR
    };

    runtime::Response answer(const runtime::Request& request);

    // A watch request; the refusal, where there is one, goes to `refused`.
    std::optional<Stream> open(const runtime::Request& request, runtime::Response& refused);
    std::string read(Stream& stream);
    std::string bookmark(const Stream& stream) const;

    // Forgets all versions up to here: older watches and page tokens are Gone.
    void compact() { compacted_ = version_; }
    std::uint64_t version() const { return version_; }
    // All of a collection ("/api/v1/configmaps"), by "namespace/name".
    std::map<std::string, api::Document> all(const std::string& collection) const;
    std::uint64_t writes() const { return writes_; }

    static runtime::Response refusal(
        int code, const std::string& reason, const std::string& message = ""
    );

 private:
    struct Place {
        std::string collection;  // without namespace
        std::string name_space;
        std::string name;
        std::string sub;
    };
    struct Happened {
        std::string type;
        std::string collection;
        std::string name_space;
        std::uint64_t version = 0;
        api::Document object;
    };

    static Place place_of(const std::string& path);
    std::string key_of(const Place& place) const;
    runtime::Response list(const Place& place, const runtime::Request& request) const;
    runtime::Response create(Place place, const runtime::Request& request);
    runtime::Response change(const Place& place, const runtime::Request& request);
    runtime::Response remove(const Place& place);
    runtime::Response store(const Place& place, api::Document object, bool is_new);

    std::map<std::string, std::map<std::string, api::Document>> objects_;
    std::vector<Happened> history_;
    std::uint64_t version_ = 1;
    std::uint64_t compacted_ = 0;
    std::uint64_t writes_ = 0;
};

}  // namespace penstock::test
