import { describe, expect, it } from "vitest";
import { parseDebianMirrors } from "./apt.ts";

describe("parseDebianMirrors", () => {
  it("finds the main archive among security updates and third parties, once", () => {
    const output = [
      "'http://mirror.example/debian/dists/bookworm/InRelease' mirror_InRelease 0 ",
      "'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' mirror_Packages 0 ",
      "'http://mirror.example/debian-security/dists/bookworm-security/InRelease' security_InRelease 0 ",
      "'https://tools.example/apt/dists/stable/InRelease' tools_InRelease 0 ",
    ].join("\n");
    expect(parseDebianMirrors(output)).toEqual(["http://mirror.example/debian"]);
  });

  it("finds none on a system that is not Debian", () => {
    expect(
      parseDebianMirrors("'http://mirror.example/ubuntu/dists/noble/InRelease' mirror_InRelease 0"),
    ).toEqual([]);
  });
});
