"""The builder of people: heads, hair, clothes, hands as implicit surfaces, meshed, skinned, with ARKit's shapes. No scans."""
