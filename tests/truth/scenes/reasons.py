"""Why something cannot be known, or is done otherwise than nodes do it: one sentence for each cause."""

NODES_LOG_IN = "nodes of this cloud log in by means of their own, so a refusal proves nothing (nodes.authenticated)"
FIREWALL = "the registry refuses this address; nodes may ask from another"
FETCH = "HEAD is all that is asked: what GET then brings is not known before somebody pulls"
PLATFORMS = "platforms are not looked at: the index would have to be fetched, and Docker Hub counts that as a pull"
NEVER = "with policy Never nobody is asked; which node will be chosen, and what it has, is not known"

LOOPBACK = "loopback is each node's own, and never asked (network.loopback)"
WITHHELD = "the login would go where this webhook does not send it"
NO_MIRROR_LOGIN = "this webhook sends no login to a mirror"
PLAIN = "this webhook does not follow a redirect from https to plain http"
SLOW = "it was too slow for a review (network.response_timeout)"
TROUBLE = "it was in trouble when it was asked; nodes ask again"
CONTRADICTION = "the registry contradicts itself"

IDLE = "no container mounts the image volume: its pull fails, and nothing waits for it"
ON_NODE = "a node has the image, and this pod may be sent elsewhere"

ASKS_NOBODY = "the node has it and asks nobody"
PAGE_AS_BLOB = "the node looks for the page as a blob, wherever it may be"
