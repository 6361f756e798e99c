/**
 * The version this engine answers with. Programs may demand a minimum (`pulumi.requirePulumiVersion`) and state files carry it in
 * their manifest, so it names the release whose behaviour was copied, with a suffix that says it is not that release itself.
 */
export const engineVersion = "v3.260.0-embedded.1";
