"""A real one-node Kubernetes for tests, in namespaces of its own.

`python -m tests.cluster run --level node -- COMMAND` enters a world, starts the servers there, runs COMMAND and returns
its exit code; nothing survives it. Code that runs as COMMAND, or inside it, finds its cluster with `Cluster.here()`.

    servers/        the pinned Go modules, and where their binaries are
    cgroups.py      the world's place among the machine's control groups, and the janitor that clears it away
    world.py        the private network, mounts, processes and names
    names.py        the DNS server of that network
    authority.py    keys and certificates
    processes.py    servers as processes: started, waited for, their last words read
    images.py       images made from a single program
    kubernetes.py   etcd, the API server, the controllers, the scheduler
    node.py         containerd and the kubelet
    levels.py       how much of it is started, and what that needs of the machine
    here.py         the cluster as code inside sees it
    registry.py     the real registry
    pullcheck.py    pullcheck, installed by the repository's manifests: a guest
    replicas.py     pullcheck as two replicas behind its Service, which come and go
    admissions.py   what the API server says of its calls of webhooks
    load.py         calls at an even rate
    rollouts.py     restarts in turn under load, a command of its own
    story.py        the registries and namespaces of the story: a guest
    __main__.py     the commands
    inside/         the tests that run in a world; those beside it start the worlds
"""
