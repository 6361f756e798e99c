/** The regions of VPC. */
export const DEFAULT_REGION = "us-south";
export const REGIONS = [
  "au-syd",
  "br-sao",
  "ca-mon",
  "ca-tor",
  "eu-de",
  "eu-es",
  "eu-gb",
  "in-che",
  "jp-osa",
  "jp-tok",
  "us-east",
  "us-south",
] as const;
